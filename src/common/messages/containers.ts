// SPDX-License-Identifier: Apache-2.0
// Generated from proto/services/containers.proto; do not edit.
/** containerd's records of containers. */
import type { MessageTables } from '../wire/tables.js';
import type { Any } from './any.js';
import type { FieldMask } from './field-mask.js';
import type { Timestamp } from './timestamp.js';

/** Nested in Container there. */
export interface Runtime {
  name: string;
  options?: Partial<Any> | undefined;
}

export const Runtime = 'containerd.services.containers.v1.Runtime';

/** `containerd.services.containers.v1.Container`. */
export interface Container {
  id: string;
  labels: readonly Partial<ContainerLabelsEntry>[];
  image: string;
  runtime?: Partial<Runtime> | undefined;
  spec?: Partial<Any> | undefined;
  snapshotter: string;
  snapshotKey: string;
  createdAt?: Partial<Timestamp> | undefined;
  updatedAt?: Partial<Timestamp> | undefined;
  extensions: readonly Partial<ContainerExtensionsEntry>[];
  sandbox: string;
}

export const Container = 'containerd.services.containers.v1.Container';

/** `containerd.services.containers.v1.Container.LabelsEntry`. */
export interface ContainerLabelsEntry {
  key: string;
  value: string;
}

export const ContainerLabelsEntry = 'containerd.services.containers.v1.Container.LabelsEntry';

/** `containerd.services.containers.v1.Container.ExtensionsEntry`. */
export interface ContainerExtensionsEntry {
  key: string;
  value?: Partial<Any> | undefined;
}

export const ContainerExtensionsEntry =
  'containerd.services.containers.v1.Container.ExtensionsEntry';

/** `containerd.services.containers.v1.GetContainerRequest`. */
export interface GetContainerRequest {
  id: string;
}

export const GetContainerRequest = 'containerd.services.containers.v1.GetContainerRequest';

/** `containerd.services.containers.v1.GetContainerResponse`. */
export interface GetContainerResponse {
  container?: Partial<Container> | undefined;
}

export const GetContainerResponse = 'containerd.services.containers.v1.GetContainerResponse';

/** `containerd.services.containers.v1.ListContainersRequest`. */
export interface ListContainersRequest {
  filters: readonly string[];
}

export const ListContainersRequest = 'containerd.services.containers.v1.ListContainersRequest';

/** `containerd.services.containers.v1.ListContainersResponse`. */
export interface ListContainersResponse {
  containers: readonly Partial<Container>[];
}

export const ListContainersResponse = 'containerd.services.containers.v1.ListContainersResponse';

/** `containerd.services.containers.v1.CreateContainerRequest`. */
export interface CreateContainerRequest {
  container?: Partial<Container> | undefined;
}

export const CreateContainerRequest = 'containerd.services.containers.v1.CreateContainerRequest';

/** `containerd.services.containers.v1.CreateContainerResponse`. */
export interface CreateContainerResponse {
  container?: Partial<Container> | undefined;
}

export const CreateContainerResponse = 'containerd.services.containers.v1.CreateContainerResponse';

/** `containerd.services.containers.v1.UpdateContainerRequest`. */
export interface UpdateContainerRequest {
  container?: Partial<Container> | undefined;
  updateMask?: Partial<FieldMask> | undefined;
}

export const UpdateContainerRequest = 'containerd.services.containers.v1.UpdateContainerRequest';

/** `containerd.services.containers.v1.UpdateContainerResponse`. */
export interface UpdateContainerResponse {
  container?: Partial<Container> | undefined;
}

export const UpdateContainerResponse = 'containerd.services.containers.v1.UpdateContainerResponse';

/** `containerd.services.containers.v1.DeleteContainerRequest`. */
export interface DeleteContainerRequest {
  id: string;
}

export const DeleteContainerRequest = 'containerd.services.containers.v1.DeleteContainerRequest';

/** Field tables of this file's messages. */
export const CONTAINERS_MESSAGES = {
  'containerd.services.containers.v1.Runtime': [
    ['name', 1, 'implicit', 'string'],
    ['options', 2, 'optional', 'google.protobuf.Any'],
  ],
  'containerd.services.containers.v1.Container': [
    ['id', 1, 'implicit', 'string'],
    ['labels', 2, 'repeated', 'containerd.services.containers.v1.Container.LabelsEntry'],
    ['image', 3, 'implicit', 'string'],
    ['runtime', 4, 'optional', 'containerd.services.containers.v1.Runtime'],
    ['spec', 5, 'optional', 'google.protobuf.Any'],
    ['snapshotter', 6, 'implicit', 'string'],
    ['snapshotKey', 7, 'implicit', 'string'],
    ['createdAt', 8, 'optional', 'google.protobuf.Timestamp'],
    ['updatedAt', 9, 'optional', 'google.protobuf.Timestamp'],
    ['extensions', 10, 'repeated', 'containerd.services.containers.v1.Container.ExtensionsEntry'],
    ['sandbox', 11, 'implicit', 'string'],
  ],
  'containerd.services.containers.v1.Container.LabelsEntry': [
    ['key', 1, 'implicit', 'string'],
    ['value', 2, 'implicit', 'string'],
  ],
  'containerd.services.containers.v1.Container.ExtensionsEntry': [
    ['key', 1, 'implicit', 'string'],
    ['value', 2, 'optional', 'google.protobuf.Any'],
  ],
  'containerd.services.containers.v1.GetContainerRequest': [['id', 1, 'implicit', 'string']],
  'containerd.services.containers.v1.GetContainerResponse': [
    ['container', 1, 'optional', 'containerd.services.containers.v1.Container'],
  ],
  'containerd.services.containers.v1.ListContainersRequest': [['filters', 1, 'repeated', 'string']],
  'containerd.services.containers.v1.ListContainersResponse': [
    ['containers', 1, 'repeated', 'containerd.services.containers.v1.Container'],
  ],
  'containerd.services.containers.v1.CreateContainerRequest': [
    ['container', 1, 'optional', 'containerd.services.containers.v1.Container'],
  ],
  'containerd.services.containers.v1.CreateContainerResponse': [
    ['container', 1, 'optional', 'containerd.services.containers.v1.Container'],
  ],
  'containerd.services.containers.v1.UpdateContainerRequest': [
    ['container', 1, 'optional', 'containerd.services.containers.v1.Container'],
    ['updateMask', 2, 'optional', 'google.protobuf.FieldMask'],
  ],
  'containerd.services.containers.v1.UpdateContainerResponse': [
    ['container', 1, 'optional', 'containerd.services.containers.v1.Container'],
  ],
  'containerd.services.containers.v1.DeleteContainerRequest': [['id', 1, 'implicit', 'string']],
} as const satisfies MessageTables;
