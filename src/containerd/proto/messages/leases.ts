// SPDX-License-Identifier: Apache-2.0
// Generated from proto/services/leases.proto; do not edit.
/** containerd's leases, which keep what is made by their calls from being collected. */
import type { MessageTables } from '../../../common/wire/tables.js';
import type { Timestamp } from '../../../common/messages/timestamp.js';

/** `containerd.services.leases.v1.Lease`. */
export interface Lease {
  id: string;
  createdAt?: Partial<Timestamp> | undefined;
  labels: readonly Partial<LeaseLabelsEntry>[];
}

export const Lease = 'containerd.services.leases.v1.Lease';

/** `containerd.services.leases.v1.Lease.LabelsEntry`. */
export interface LeaseLabelsEntry {
  key: string;
  value: string;
}

export const LeaseLabelsEntry = 'containerd.services.leases.v1.Lease.LabelsEntry';

/** `containerd.services.leases.v1.CreateRequest`. */
export interface CreateRequest {
  id: string;
  labels: readonly Partial<CreateRequestLabelsEntry>[];
}

export const CreateRequest = 'containerd.services.leases.v1.CreateRequest';

/** `containerd.services.leases.v1.CreateRequest.LabelsEntry`. */
export interface CreateRequestLabelsEntry {
  key: string;
  value: string;
}

export const CreateRequestLabelsEntry = 'containerd.services.leases.v1.CreateRequest.LabelsEntry';

/** `containerd.services.leases.v1.CreateResponse`. */
export interface CreateResponse {
  lease?: Partial<Lease> | undefined;
}

export const CreateResponse = 'containerd.services.leases.v1.CreateResponse';

/** `containerd.services.leases.v1.DeleteRequest`. */
export interface DeleteRequest {
  id: string;
  sync: boolean;
}

export const DeleteRequest = 'containerd.services.leases.v1.DeleteRequest';

/** `containerd.services.leases.v1.ListRequest`. */
export interface ListRequest {
  filters: readonly string[];
}

export const ListRequest = 'containerd.services.leases.v1.ListRequest';

/** `containerd.services.leases.v1.ListResponse`. */
export interface ListResponse {
  leases: readonly Partial<Lease>[];
}

export const ListResponse = 'containerd.services.leases.v1.ListResponse';

/** `containerd.services.leases.v1.Resource`. */
export interface Resource {
  id: string;

  /** What it is: content, or a snapshot of a snapshotter. */
  type: string;
}

export const Resource = 'containerd.services.leases.v1.Resource';

/** `containerd.services.leases.v1.AddResourceRequest`. */
export interface AddResourceRequest {
  id: string;
  resource?: Partial<Resource> | undefined;
}

export const AddResourceRequest = 'containerd.services.leases.v1.AddResourceRequest';

/** `containerd.services.leases.v1.ListResourcesRequest`. */
export interface ListResourcesRequest {
  id: string;
}

export const ListResourcesRequest = 'containerd.services.leases.v1.ListResourcesRequest';

/** `containerd.services.leases.v1.ListResourcesResponse`. */
export interface ListResourcesResponse {
  resources: readonly Partial<Resource>[];
}

export const ListResourcesResponse = 'containerd.services.leases.v1.ListResourcesResponse';

/** Field tables of this file's messages. */
export const LEASES_MESSAGES = {
  'containerd.services.leases.v1.Lease': [
    ['id', 1, 'implicit', 'string'],
    ['createdAt', 2, 'optional', 'google.protobuf.Timestamp'],
    ['labels', 3, 'repeated', 'containerd.services.leases.v1.Lease.LabelsEntry'],
  ],
  'containerd.services.leases.v1.Lease.LabelsEntry': [
    ['key', 1, 'implicit', 'string'],
    ['value', 2, 'implicit', 'string'],
  ],
  'containerd.services.leases.v1.CreateRequest': [
    ['id', 1, 'implicit', 'string'],
    ['labels', 3, 'repeated', 'containerd.services.leases.v1.CreateRequest.LabelsEntry'],
  ],
  'containerd.services.leases.v1.CreateRequest.LabelsEntry': [
    ['key', 1, 'implicit', 'string'],
    ['value', 2, 'implicit', 'string'],
  ],
  'containerd.services.leases.v1.CreateResponse': [
    ['lease', 1, 'optional', 'containerd.services.leases.v1.Lease'],
  ],
  'containerd.services.leases.v1.DeleteRequest': [
    ['id', 1, 'implicit', 'string'],
    ['sync', 2, 'implicit', 'bool'],
  ],
  'containerd.services.leases.v1.ListRequest': [['filters', 1, 'repeated', 'string']],
  'containerd.services.leases.v1.ListResponse': [
    ['leases', 1, 'repeated', 'containerd.services.leases.v1.Lease'],
  ],
  'containerd.services.leases.v1.Resource': [
    ['id', 1, 'implicit', 'string'],
    ['type', 2, 'implicit', 'string'],
  ],
  'containerd.services.leases.v1.AddResourceRequest': [
    ['id', 1, 'implicit', 'string'],
    ['resource', 2, 'optional', 'containerd.services.leases.v1.Resource'],
  ],
  'containerd.services.leases.v1.ListResourcesRequest': [['id', 1, 'implicit', 'string']],
  'containerd.services.leases.v1.ListResourcesResponse': [
    ['resources', 1, 'repeated', 'containerd.services.leases.v1.Resource'],
  ],
} as const satisfies MessageTables;
