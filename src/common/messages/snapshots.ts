// SPDX-License-Identifier: Apache-2.0
// Generated from proto/services/snapshots.proto; do not edit.
/** containerd's snapshots of root filesystems. */
import type { MessageTables } from '../wire/tables.js';
import type { FieldMask } from './field-mask.js';
import type { Mount } from './mount.js';

export const Kind = { UNKNOWN: 0, VIEW: 1, ACTIVE: 2, COMMITTED: 3 } as const;

/** `containerd.services.snapshots.v1.PrepareSnapshotRequest`. */
export interface PrepareSnapshotRequest {
  snapshotter: string;
  key: string;
  parent: string;
  labels: readonly Partial<PrepareSnapshotRequestLabelsEntry>[];
}

export const PrepareSnapshotRequest = 'containerd.services.snapshots.v1.PrepareSnapshotRequest';

/** `containerd.services.snapshots.v1.PrepareSnapshotRequest.LabelsEntry`. */
export interface PrepareSnapshotRequestLabelsEntry {
  key: string;
  value: string;
}

export const PrepareSnapshotRequestLabelsEntry =
  'containerd.services.snapshots.v1.PrepareSnapshotRequest.LabelsEntry';

/** `containerd.services.snapshots.v1.PrepareSnapshotResponse`. */
export interface PrepareSnapshotResponse {
  mounts: readonly Partial<Mount>[];
}

export const PrepareSnapshotResponse = 'containerd.services.snapshots.v1.PrepareSnapshotResponse';

/** `containerd.services.snapshots.v1.MountsRequest`. */
export interface MountsRequest {
  snapshotter: string;
  key: string;
}

export const MountsRequest = 'containerd.services.snapshots.v1.MountsRequest';

/** `containerd.services.snapshots.v1.MountsResponse`. */
export interface MountsResponse {
  mounts: readonly Partial<Mount>[];
}

export const MountsResponse = 'containerd.services.snapshots.v1.MountsResponse';

/** `containerd.services.snapshots.v1.RemoveSnapshotRequest`. */
export interface RemoveSnapshotRequest {
  snapshotter: string;
  key: string;
}

export const RemoveSnapshotRequest = 'containerd.services.snapshots.v1.RemoveSnapshotRequest';

/** `containerd.services.snapshots.v1.CommitSnapshotRequest`. */
export interface CommitSnapshotRequest {
  snapshotter: string;
  name: string;
  key: string;
  labels: readonly Partial<CommitSnapshotRequestLabelsEntry>[];
}

export const CommitSnapshotRequest = 'containerd.services.snapshots.v1.CommitSnapshotRequest';

/** `containerd.services.snapshots.v1.CommitSnapshotRequest.LabelsEntry`. */
export interface CommitSnapshotRequestLabelsEntry {
  key: string;
  value: string;
}

export const CommitSnapshotRequestLabelsEntry =
  'containerd.services.snapshots.v1.CommitSnapshotRequest.LabelsEntry';

/** `containerd.services.snapshots.v1.StatSnapshotRequest`. */
export interface StatSnapshotRequest {
  snapshotter: string;
  key: string;
}

export const StatSnapshotRequest = 'containerd.services.snapshots.v1.StatSnapshotRequest';

/** `containerd.services.snapshots.v1.Info`. */
export interface Info {
  name: string;
  parent: string;
  kind: number;
  labels: readonly Partial<InfoLabelsEntry>[];
}

export const Info = 'containerd.services.snapshots.v1.Info';

/** `containerd.services.snapshots.v1.Info.LabelsEntry`. */
export interface InfoLabelsEntry {
  key: string;
  value: string;
}

export const InfoLabelsEntry = 'containerd.services.snapshots.v1.Info.LabelsEntry';

/** `containerd.services.snapshots.v1.StatSnapshotResponse`. */
export interface StatSnapshotResponse {
  info?: Partial<Info> | undefined;
}

export const StatSnapshotResponse = 'containerd.services.snapshots.v1.StatSnapshotResponse';

/** `containerd.services.snapshots.v1.ListSnapshotsRequest`. */
export interface ListSnapshotsRequest {
  snapshotter: string;
  filters: readonly string[];
}

export const ListSnapshotsRequest = 'containerd.services.snapshots.v1.ListSnapshotsRequest';

/** `containerd.services.snapshots.v1.ListSnapshotsResponse`. */
export interface ListSnapshotsResponse {
  info: readonly Partial<Info>[];
}

export const ListSnapshotsResponse = 'containerd.services.snapshots.v1.ListSnapshotsResponse';

/** `containerd.services.snapshots.v1.UpdateSnapshotRequest`. */
export interface UpdateSnapshotRequest {
  snapshotter: string;
  info?: Partial<Info> | undefined;
  updateMask?: Partial<FieldMask> | undefined;
}

export const UpdateSnapshotRequest = 'containerd.services.snapshots.v1.UpdateSnapshotRequest';

/** `containerd.services.snapshots.v1.UpdateSnapshotResponse`. */
export interface UpdateSnapshotResponse {
  info?: Partial<Info> | undefined;
}

export const UpdateSnapshotResponse = 'containerd.services.snapshots.v1.UpdateSnapshotResponse';

/** Field tables of this file's messages. */
export const SNAPSHOTS_MESSAGES = {
  'containerd.services.snapshots.v1.PrepareSnapshotRequest': [
    ['snapshotter', 1, 'implicit', 'string'],
    ['key', 2, 'implicit', 'string'],
    ['parent', 3, 'implicit', 'string'],
    [
      'labels',
      4,
      'repeated',
      'containerd.services.snapshots.v1.PrepareSnapshotRequest.LabelsEntry',
    ],
  ],
  'containerd.services.snapshots.v1.PrepareSnapshotRequest.LabelsEntry': [
    ['key', 1, 'implicit', 'string'],
    ['value', 2, 'implicit', 'string'],
  ],
  'containerd.services.snapshots.v1.PrepareSnapshotResponse': [
    ['mounts', 1, 'repeated', 'containerd.types.Mount'],
  ],
  'containerd.services.snapshots.v1.MountsRequest': [
    ['snapshotter', 1, 'implicit', 'string'],
    ['key', 2, 'implicit', 'string'],
  ],
  'containerd.services.snapshots.v1.MountsResponse': [
    ['mounts', 1, 'repeated', 'containerd.types.Mount'],
  ],
  'containerd.services.snapshots.v1.RemoveSnapshotRequest': [
    ['snapshotter', 1, 'implicit', 'string'],
    ['key', 2, 'implicit', 'string'],
  ],
  'containerd.services.snapshots.v1.CommitSnapshotRequest': [
    ['snapshotter', 1, 'implicit', 'string'],
    ['name', 2, 'implicit', 'string'],
    ['key', 3, 'implicit', 'string'],
    ['labels', 4, 'repeated', 'containerd.services.snapshots.v1.CommitSnapshotRequest.LabelsEntry'],
  ],
  'containerd.services.snapshots.v1.CommitSnapshotRequest.LabelsEntry': [
    ['key', 1, 'implicit', 'string'],
    ['value', 2, 'implicit', 'string'],
  ],
  'containerd.services.snapshots.v1.StatSnapshotRequest': [
    ['snapshotter', 1, 'implicit', 'string'],
    ['key', 2, 'implicit', 'string'],
  ],
  'containerd.services.snapshots.v1.Info': [
    ['name', 1, 'implicit', 'string'],
    ['parent', 2, 'implicit', 'string'],
    ['kind', 3, 'implicit', 'int32'],
    ['labels', 6, 'repeated', 'containerd.services.snapshots.v1.Info.LabelsEntry'],
  ],
  'containerd.services.snapshots.v1.Info.LabelsEntry': [
    ['key', 1, 'implicit', 'string'],
    ['value', 2, 'implicit', 'string'],
  ],
  'containerd.services.snapshots.v1.StatSnapshotResponse': [
    ['info', 1, 'optional', 'containerd.services.snapshots.v1.Info'],
  ],
  'containerd.services.snapshots.v1.ListSnapshotsRequest': [
    ['snapshotter', 1, 'implicit', 'string'],
    ['filters', 2, 'repeated', 'string'],
  ],
  'containerd.services.snapshots.v1.ListSnapshotsResponse': [
    ['info', 1, 'repeated', 'containerd.services.snapshots.v1.Info'],
  ],
  'containerd.services.snapshots.v1.UpdateSnapshotRequest': [
    ['snapshotter', 1, 'implicit', 'string'],
    ['info', 2, 'optional', 'containerd.services.snapshots.v1.Info'],
    ['updateMask', 3, 'optional', 'google.protobuf.FieldMask'],
  ],
  'containerd.services.snapshots.v1.UpdateSnapshotResponse': [
    ['info', 1, 'optional', 'containerd.services.snapshots.v1.Info'],
  ],
} as const satisfies MessageTables;
