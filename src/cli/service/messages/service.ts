// SPDX-License-Identifier: Apache-2.0
// Generated from proto/mvas/service.proto; do not edit.
/** What `mvas serve` offers on its socket: the verbs of the command, and a stream of what becomes of snapshots. A long call answers with a stream that tells at once what it does and what has come of it. A call that is cancelled, or whose deadline passes, is undone as far as it has no result yet. Errors have the codes of gRPC; their details say what was attempted, why it failed, and what to do about it. */
import type { MessageTables } from '../../../common/wire/tables.js';
import type { Timestamp } from '../../../common/messages/timestamp.js';

/** What a long call is doing. */
export const Stage = {
  STAGE_NONE: 0,
  STAGE_PREPARE: 1,
  STAGE_CHECKPOINT: 2,
  STAGE_RESTORE: 3,
  STAGE_KEEP: 4,
} as const;
export const Difference = {
  DIFFERENCE_NONE: 0,
  DIFFERENCE_ADDED: 1,
  DIFFERENCE_CHANGED: 2,
  DIFFERENCE_DELETED: 3,
} as const;
export const Change = {
  CHANGE_NONE: 0,
  CHANGE_PRESENT: 1,
  CHANGE_BEGUN: 2,
  CHANGE_LOST: 3,
  CHANGE_ENDED: 4,
} as const;

/** Something that failed beside others that did not. */
export interface Failure {
  id: string;

  /** as in google.rpc.Code */
  code: number;
  message: string;
}

export const Failure = 'mvas.v1.Failure';

/** `mvas.v1.SnapshotRequest`. */
export interface SnapshotRequest {
  containerId: string;

  /** empty, or one that no other snapshot of the namespace has */
  name: string;

  /** leave out what the container has changed in its root filesystem */
  noRootfs: boolean;

  /** of containerd; empty: that of the service */
  namespace: string;

  /** it ends when it has not been used for that long: 90s, 15m, 12h, 7d, none; empty: as is configured */
  ttl: string;

  /** image: it ends when containerd has collected its files; none; empty: as is configured */
  lease: string;

  /** Who else may make clones of it: NAMESPACE, NAMESPACE/POD-NAMESPACE or *, with commas; absent: as its container says. */
  share?: string | undefined;

  /** it starts from the container's last one, if that is of a series, too, and the next one may start from it */
  series: boolean;
}

export const SnapshotRequest = 'mvas.v1.SnapshotRequest';

/** `mvas.v1.SnapshotResponse`. */
export interface SnapshotResponse {
  stage: number;

  /** in the last message */
  snapshot?: Partial<Snapshot> | undefined;
}

export const SnapshotResponse = 'mvas.v1.SnapshotResponse';

/** `mvas.v1.Snapshot`. */
export interface Snapshot {
  id: string;
  name: string;
  containerId: string;
  createdAt?: Partial<Timestamp> | undefined;
}

export const Snapshot = 'mvas.v1.Snapshot';

/** `mvas.v1.ForkRequest`. */
export interface ForkRequest {
  /** a container, or the id or name of a snapshot */
  source: string;

  /** 0: one */
  count: number;

  /** ids of the clones, with {n} for 1, 2, ...; empty: made of the container's */
  name: string;
  labels: readonly Partial<ForkRequestLabelsEntry>[];

  /** same (also if it is empty), none, or the path of a network namespace, with {name} for the id */
  net: string;

  /** where their output goes, with {name} for the id; empty: nowhere */
  logUri: string;
  noRootfs: boolean;
  namespace: string;

  /** run in each clone before it goes on: a JSON list of words, or what /bin/sh runs; empty: as in its spec */
  hook: string;

  /** make no clone whose hook fails */
  hookRequired: boolean;

  /** give each clone a shim of its own; otherwise up to eight share one, and end if it is killed */
  ownDaemons: boolean;
}

export const ForkRequest = 'mvas.v1.ForkRequest';

/** `mvas.v1.ForkRequest.LabelsEntry`. */
export interface ForkRequestLabelsEntry {
  key: string;
  value: string;
}

export const ForkRequestLabelsEntry = 'mvas.v1.ForkRequest.LabelsEntry';

/** `mvas.v1.ForkResponse`. */
export interface ForkResponse {
  stage: number;

  /** one that runs */
  clone?: Partial<Clone> | undefined;

  /** or one that does not */
  failure?: Partial<Failure> | undefined;
}

export const ForkResponse = 'mvas.v1.ForkResponse';

/** `mvas.v1.Clone`. */
export interface Clone {
  id: string;

  /** of its init */
  pid: number;

  /** from the beginning of its creation until it ran */
  ms: number;
}

export const Clone = 'mvas.v1.Clone';

/** `mvas.v1.RollbackRequest`. */
export interface RollbackRequest {
  containerId: string;

  /** id or name; empty: the container's last one */
  snapshot: string;

  /** leave the root filesystem as it is */
  noRootfs: boolean;
  namespace: string;
}

export const RollbackRequest = 'mvas.v1.RollbackRequest';

/** `mvas.v1.RollbackResponse`. */
export interface RollbackResponse {
  stage: number;

  /** in the last message */
  done?: Partial<RolledBack> | undefined;
}

export const RollbackResponse = 'mvas.v1.RollbackResponse';

/** `mvas.v1.RolledBack`. */
export interface RolledBack {
  snapshotId: string;
  snapshotName: string;

  /** of the container's new init */
  pid: number;
  standstillMs: number;
}

export const RolledBack = 'mvas.v1.RolledBack';

/** `mvas.v1.ListRequest`. */
export interface ListRequest {
  /** only snapshots of this namespace; empty: all VASes */
  namespace: string;
}

export const ListRequest = 'mvas.v1.ListRequest';

/** `mvas.v1.ListResponse`. */
export interface ListResponse {
  vases: readonly Partial<Vas>[];
}

export const ListResponse = 'mvas.v1.ListResponse';

/** `mvas.v1.Vas`. */
export interface Vas {
  id: string;
  name: string;

  /** complete, filling, lost, broken */
  state: string;
  containerId: string;
  createdAt?: Partial<Timestamp> | undefined;
  bytes: bigint;
  segments: number;

  /** whose memory it holds */
  processes: number;

  /** 0 once it is lost */
  holderPid: number;

  /** living processes that were forked from it */
  clones: number;

  /** whose snapshot it is; empty: it is none */
  namespace: string;
}

export const Vas = 'mvas.v1.Vas';

/** `mvas.v1.InspectRequest`. */
export interface InspectRequest {
  /** each an id, the beginning of one, or a name */
  ids: readonly string[];
}

export const InspectRequest = 'mvas.v1.InspectRequest';

/** `mvas.v1.InspectResponse`. */
export interface InspectResponse {
  vases: readonly Partial<VasDetails>[];
}

export const InspectResponse = 'mvas.v1.InspectResponse';

/** `mvas.v1.VasDetails`. */
export interface VasDetails {
  vas?: Partial<Vas> | undefined;
  directory: string;
  bootId: string;

  /** how its memory was taken; empty while that is unknown */
  backend: string;

  /** processes that were copied from a twin */
  twins: number;
  segments: readonly Partial<Segment>[];

  /** the VAS that it shares its memory with, which need not exist any more; empty: none */
  origin: string;

  /** bytes that were copied in addition to what that had */
  copied: bigint;
}

export const VasDetails = 'mvas.v1.VasDetails';

/** `mvas.v1.Segment`. */
export interface Segment {
  start: bigint;
  end: bigint;
  protection: string;
  kind: string;

  /** stored ones */
  bytes: bigint;
  name: string;
}

export const Segment = 'mvas.v1.Segment';

/** `mvas.v1.RemoveRequest`. */
export interface RemoveRequest {
  /** each an id, the beginning of one, or a name */
  ids: readonly string[];

  /** also what a checkpoint is filling */
  force: boolean;

  /** also the snapshots that need one of them */
  cascade: boolean;
}

export const RemoveRequest = 'mvas.v1.RemoveRequest';

/** `mvas.v1.RemoveResponse`. */
export interface RemoveResponse {
  removed: readonly string[];
  failed: readonly Partial<Failure>[];
}

export const RemoveResponse = 'mvas.v1.RemoveResponse';

/** `mvas.v1.PruneRequest`. */
export interface PruneRequest {
  namespace: string;

  /** snapshots of this age */
  olderMs?: bigint | undefined;

  /** all but the newest ones of each container */
  keep?: number | undefined;

  /** only tell what would be removed */
  dryRun: boolean;
}

export const PruneRequest = 'mvas.v1.PruneRequest';

/** `mvas.v1.PruneResponse`. */
export interface PruneResponse {
  removed: readonly string[];

  /** old ones that stay, since others need them; in the last message */
  needed: readonly string[];

  /** why others could not be removed; in the last message */
  failed: readonly string[];
}

export const PruneResponse = 'mvas.v1.PruneResponse';

/** `mvas.v1.TreeRequest`. */
export interface TreeRequest {
  namespace: string;
}

export const TreeRequest = 'mvas.v1.TreeRequest';

/** `mvas.v1.TreeResponse`. */
export interface TreeResponse {
  /** a parent before what descends from it */
  nodes: readonly Partial<Node>[];
}

export const TreeResponse = 'mvas.v1.TreeResponse';

/** `mvas.v1.Node`. */
export interface Node {
  id: string;
  name: string;

  /** id of the snapshot that it goes on from; empty if there is none */
  parent: string;

  /** otherwise it is a snapshot */
  isContainer: boolean;
  state: string;

  /** of a snapshot */
  createdAt?: Partial<Timestamp> | undefined;

  /** memory that nobody else maps */
  ownBytes: bigint;

  /** its part of what it shares */
  sharedBytes: bigint;
}

export const Node = 'mvas.v1.Node';

/** `mvas.v1.DiffRequest`. */
export interface DiffRequest {
  /** a snapshot or a container */
  first: string;

  /** another one; empty: the container of the snapshot, the last snapshot of the container */
  second: string;

  /** do not compare files */
  noRootfs: boolean;
  namespace: string;
}

export const DiffRequest = 'mvas.v1.DiffRequest';

/** `mvas.v1.DiffResponse`. */
export interface DiffResponse {
  stage: number;

  /** in the last message */
  done?: Partial<Differences> | undefined;
}

export const DiffResponse = 'mvas.v1.DiffResponse';

/** `mvas.v1.Differences`. */
export interface Differences {
  files: readonly Partial<FileDifference>[];

  /** whether files were compared: both have them */
  hasFiles: boolean;
  processes: readonly Partial<ProcessDifference>[];
}

export const Differences = 'mvas.v1.Differences';

/** `mvas.v1.FileDifference`. */
export interface FileDifference {
  difference: number;
  path: string;
}

export const FileDifference = 'mvas.v1.FileDifference';

/** `mvas.v1.ProcessDifference`. */
export interface ProcessDifference {
  difference: number;

  /** that the container sees */
  pid: number;
  name: string;

  /** of its memory that differ, in whole pages */
  bytes?: bigint | undefined;
}

export const ProcessDifference = 'mvas.v1.ProcessDifference';

/** `mvas.v1.WatchRequest`. */
export interface WatchRequest {
  /** empty: all */
  namespace: string;
}

export const WatchRequest = 'mvas.v1.WatchRequest';

/** `mvas.v1.WatchResponse`. */
export interface WatchResponse {
  change: number;

  /** as it was last seen */
  vas?: Partial<Vas> | undefined;
}

export const WatchResponse = 'mvas.v1.WatchResponse';

/** Field tables of this file's messages. */
export const SERVICE_MESSAGES = {
  'mvas.v1.Failure': [
    ['id', 1, 'implicit', 'string'],
    ['code', 2, 'implicit', 'uint32'],
    ['message', 3, 'implicit', 'string'],
  ],
  'mvas.v1.SnapshotRequest': [
    ['containerId', 1, 'implicit', 'string'],
    ['name', 2, 'implicit', 'string'],
    ['noRootfs', 3, 'implicit', 'bool'],
    ['namespace', 4, 'implicit', 'string'],
    ['ttl', 5, 'implicit', 'string'],
    ['lease', 6, 'implicit', 'string'],
    ['share', 7, 'optional', 'string'],
    ['series', 8, 'implicit', 'bool'],
  ],
  'mvas.v1.SnapshotResponse': [
    ['stage', 1, 'implicit', 'int32'],
    ['snapshot', 2, 'optional', 'mvas.v1.Snapshot'],
  ],
  'mvas.v1.Snapshot': [
    ['id', 1, 'implicit', 'string'],
    ['name', 2, 'implicit', 'string'],
    ['containerId', 3, 'implicit', 'string'],
    ['createdAt', 4, 'optional', 'google.protobuf.Timestamp'],
  ],
  'mvas.v1.ForkRequest': [
    ['source', 1, 'implicit', 'string'],
    ['count', 2, 'implicit', 'uint32'],
    ['name', 3, 'implicit', 'string'],
    ['labels', 4, 'repeated', 'mvas.v1.ForkRequest.LabelsEntry'],
    ['net', 5, 'implicit', 'string'],
    ['logUri', 6, 'implicit', 'string'],
    ['noRootfs', 7, 'implicit', 'bool'],
    ['namespace', 8, 'implicit', 'string'],
    ['hook', 9, 'implicit', 'string'],
    ['hookRequired', 10, 'implicit', 'bool'],
    ['ownDaemons', 11, 'implicit', 'bool'],
  ],
  'mvas.v1.ForkRequest.LabelsEntry': [
    ['key', 1, 'implicit', 'string'],
    ['value', 2, 'implicit', 'string'],
  ],
  'mvas.v1.ForkResponse': [
    ['stage', 1, 'implicit', 'int32'],
    ['clone', 2, 'optional', 'mvas.v1.Clone'],
    ['failure', 3, 'optional', 'mvas.v1.Failure'],
  ],
  'mvas.v1.Clone': [
    ['id', 1, 'implicit', 'string'],
    ['pid', 2, 'implicit', 'uint32'],
    ['ms', 3, 'implicit', 'uint32'],
  ],
  'mvas.v1.RollbackRequest': [
    ['containerId', 1, 'implicit', 'string'],
    ['snapshot', 2, 'implicit', 'string'],
    ['noRootfs', 3, 'implicit', 'bool'],
    ['namespace', 4, 'implicit', 'string'],
  ],
  'mvas.v1.RollbackResponse': [
    ['stage', 1, 'implicit', 'int32'],
    ['done', 2, 'optional', 'mvas.v1.RolledBack'],
  ],
  'mvas.v1.RolledBack': [
    ['snapshotId', 1, 'implicit', 'string'],
    ['snapshotName', 2, 'implicit', 'string'],
    ['pid', 3, 'implicit', 'uint32'],
    ['standstillMs', 4, 'implicit', 'double'],
  ],
  'mvas.v1.ListRequest': [['namespace', 1, 'implicit', 'string']],
  'mvas.v1.ListResponse': [['vases', 1, 'repeated', 'mvas.v1.Vas']],
  'mvas.v1.Vas': [
    ['id', 1, 'implicit', 'string'],
    ['name', 2, 'implicit', 'string'],
    ['state', 3, 'implicit', 'string'],
    ['containerId', 4, 'implicit', 'string'],
    ['createdAt', 5, 'optional', 'google.protobuf.Timestamp'],
    ['bytes', 6, 'implicit', 'uint64'],
    ['segments', 7, 'implicit', 'uint32'],
    ['processes', 8, 'implicit', 'uint32'],
    ['holderPid', 9, 'implicit', 'uint32'],
    ['clones', 10, 'implicit', 'uint32'],
    ['namespace', 11, 'implicit', 'string'],
  ],
  'mvas.v1.InspectRequest': [['ids', 1, 'repeated', 'string']],
  'mvas.v1.InspectResponse': [['vases', 1, 'repeated', 'mvas.v1.VasDetails']],
  'mvas.v1.VasDetails': [
    ['vas', 1, 'optional', 'mvas.v1.Vas'],
    ['directory', 2, 'implicit', 'string'],
    ['bootId', 3, 'implicit', 'string'],
    ['backend', 4, 'implicit', 'string'],
    ['twins', 5, 'implicit', 'uint32'],
    ['segments', 6, 'repeated', 'mvas.v1.Segment'],
    ['origin', 7, 'implicit', 'string'],
    ['copied', 8, 'implicit', 'uint64'],
  ],
  'mvas.v1.Segment': [
    ['start', 1, 'implicit', 'uint64'],
    ['end', 2, 'implicit', 'uint64'],
    ['protection', 3, 'implicit', 'string'],
    ['kind', 4, 'implicit', 'string'],
    ['bytes', 5, 'implicit', 'uint64'],
    ['name', 6, 'implicit', 'string'],
  ],
  'mvas.v1.RemoveRequest': [
    ['ids', 1, 'repeated', 'string'],
    ['force', 2, 'implicit', 'bool'],
    ['cascade', 3, 'implicit', 'bool'],
  ],
  'mvas.v1.RemoveResponse': [
    ['removed', 1, 'repeated', 'string'],
    ['failed', 2, 'repeated', 'mvas.v1.Failure'],
  ],
  'mvas.v1.PruneRequest': [
    ['namespace', 1, 'implicit', 'string'],
    ['olderMs', 2, 'optional', 'uint64'],
    ['keep', 3, 'optional', 'uint32'],
    ['dryRun', 4, 'implicit', 'bool'],
  ],
  'mvas.v1.PruneResponse': [
    ['removed', 1, 'repeated', 'string'],
    ['needed', 2, 'repeated', 'string'],
    ['failed', 3, 'repeated', 'string'],
  ],
  'mvas.v1.TreeRequest': [['namespace', 1, 'implicit', 'string']],
  'mvas.v1.TreeResponse': [['nodes', 1, 'repeated', 'mvas.v1.Node']],
  'mvas.v1.Node': [
    ['id', 1, 'implicit', 'string'],
    ['name', 2, 'implicit', 'string'],
    ['parent', 3, 'implicit', 'string'],
    ['isContainer', 4, 'implicit', 'bool'],
    ['state', 5, 'implicit', 'string'],
    ['createdAt', 6, 'optional', 'google.protobuf.Timestamp'],
    ['ownBytes', 7, 'implicit', 'uint64'],
    ['sharedBytes', 8, 'implicit', 'uint64'],
  ],
  'mvas.v1.DiffRequest': [
    ['first', 1, 'implicit', 'string'],
    ['second', 2, 'implicit', 'string'],
    ['noRootfs', 3, 'implicit', 'bool'],
    ['namespace', 4, 'implicit', 'string'],
  ],
  'mvas.v1.DiffResponse': [
    ['stage', 1, 'implicit', 'int32'],
    ['done', 2, 'optional', 'mvas.v1.Differences'],
  ],
  'mvas.v1.Differences': [
    ['files', 1, 'repeated', 'mvas.v1.FileDifference'],
    ['hasFiles', 2, 'implicit', 'bool'],
    ['processes', 3, 'repeated', 'mvas.v1.ProcessDifference'],
  ],
  'mvas.v1.FileDifference': [
    ['difference', 1, 'implicit', 'int32'],
    ['path', 2, 'implicit', 'string'],
  ],
  'mvas.v1.ProcessDifference': [
    ['difference', 1, 'implicit', 'int32'],
    ['pid', 2, 'implicit', 'uint32'],
    ['name', 3, 'implicit', 'string'],
    ['bytes', 4, 'optional', 'uint64'],
  ],
  'mvas.v1.WatchRequest': [['namespace', 1, 'implicit', 'string']],
  'mvas.v1.WatchResponse': [
    ['change', 1, 'implicit', 'int32'],
    ['vas', 2, 'optional', 'mvas.v1.Vas'],
  ],
} as const satisfies MessageTables;
