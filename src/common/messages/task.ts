// SPDX-License-Identifier: Apache-2.0
// Generated from proto/runtime/task/shim_v2.proto; do not edit.
/** Package `containerd.task.v2`. */
import type { MessageTables } from '../wire/tables.js';
import type { Any } from './any.js';
import type { Mount } from './mount.js';
import type { Timestamp } from './timestamp.js';

/** containerd.v1.types.Status */
export const Status = {
  UNKNOWN: 0,
  CREATED: 1,
  RUNNING: 2,
  STOPPED: 3,
  PAUSED: 4,
  PAUSING: 5,
} as const;

/** `containerd.task.v2.StateRequest`. */
export interface StateRequest {
  id: string;
  execId: string;
}

export const StateRequest = 'containerd.task.v2.StateRequest';

/** `containerd.task.v2.StateResponse`. */
export interface StateResponse {
  id: string;
  bundle: string;
  pid: number;
  status: number;
  stdin: string;
  stdout: string;
  stderr: string;
  terminal: boolean;
  exitStatus: number;
  exitedAt?: Partial<Timestamp> | undefined;
  execId: string;
}

export const StateResponse = 'containerd.task.v2.StateResponse';

/** `containerd.task.v2.CreateTaskRequest`. */
export interface CreateTaskRequest {
  id: string;
  bundle: string;
  rootfs: readonly Partial<Mount>[];
  terminal: boolean;
  stdin: string;
  stdout: string;
  stderr: string;
  checkpoint: string;
  parentCheckpoint: string;
  options?: Partial<Any> | undefined;
}

export const CreateTaskRequest = 'containerd.task.v2.CreateTaskRequest';

/** `containerd.task.v2.CreateTaskResponse`. */
export interface CreateTaskResponse {
  pid: number;
}

export const CreateTaskResponse = 'containerd.task.v2.CreateTaskResponse';

/** `containerd.task.v2.StartRequest`. */
export interface StartRequest {
  id: string;
  execId: string;
}

export const StartRequest = 'containerd.task.v2.StartRequest';

/** `containerd.task.v2.StartResponse`. */
export interface StartResponse {
  pid: number;
}

export const StartResponse = 'containerd.task.v2.StartResponse';

/** `containerd.task.v2.DeleteRequest`. */
export interface DeleteRequest {
  id: string;
  execId: string;
}

export const DeleteRequest = 'containerd.task.v2.DeleteRequest';

/** `containerd.task.v2.DeleteResponse`. */
export interface DeleteResponse {
  pid: number;
  exitStatus: number;
  exitedAt?: Partial<Timestamp> | undefined;
}

export const DeleteResponse = 'containerd.task.v2.DeleteResponse';

/** `containerd.task.v2.PidsRequest`. */
export interface PidsRequest {
  id: string;
}

export const PidsRequest = 'containerd.task.v2.PidsRequest';

/** `containerd.task.v2.ProcessInfo`. */
export interface ProcessInfo {
  pid: number;
  info?: Partial<Any> | undefined;
}

export const ProcessInfo = 'containerd.task.v2.ProcessInfo';

/** `containerd.task.v2.PidsResponse`. */
export interface PidsResponse {
  processes: readonly Partial<ProcessInfo>[];
}

export const PidsResponse = 'containerd.task.v2.PidsResponse';

/** `containerd.task.v2.PauseRequest`. */
export interface PauseRequest {
  id: string;
}

export const PauseRequest = 'containerd.task.v2.PauseRequest';

/** `containerd.task.v2.ResumeRequest`. */
export interface ResumeRequest {
  id: string;
}

export const ResumeRequest = 'containerd.task.v2.ResumeRequest';

/** `containerd.task.v2.CheckpointTaskRequest`. */
export interface CheckpointTaskRequest {
  id: string;
  path: string;
  options?: Partial<Any> | undefined;
}

export const CheckpointTaskRequest = 'containerd.task.v2.CheckpointTaskRequest';

/** `containerd.task.v2.KillRequest`. */
export interface KillRequest {
  id: string;
  execId: string;
  signal: number;
  all: boolean;
}

export const KillRequest = 'containerd.task.v2.KillRequest';

/** `containerd.task.v2.ExecProcessRequest`. */
export interface ExecProcessRequest {
  id: string;
  execId: string;
  terminal: boolean;
  stdin: string;
  stdout: string;
  stderr: string;
  spec?: Partial<Any> | undefined;
}

export const ExecProcessRequest = 'containerd.task.v2.ExecProcessRequest';

/** `containerd.task.v2.ResizePtyRequest`. */
export interface ResizePtyRequest {
  id: string;
  execId: string;
  width: number;
  height: number;
}

export const ResizePtyRequest = 'containerd.task.v2.ResizePtyRequest';

/** `containerd.task.v2.CloseIORequest`. */
export interface CloseIORequest {
  id: string;
  execId: string;
  stdin: boolean;
}

export const CloseIORequest = 'containerd.task.v2.CloseIORequest';

/** `containerd.task.v2.UpdateTaskRequest`. */
export interface UpdateTaskRequest {
  id: string;
  resources?: Partial<Any> | undefined;
  annotations: readonly Partial<UpdateTaskRequestAnnotationsEntry>[];
}

export const UpdateTaskRequest = 'containerd.task.v2.UpdateTaskRequest';

/** `containerd.task.v2.UpdateTaskRequest.AnnotationsEntry`. */
export interface UpdateTaskRequestAnnotationsEntry {
  key: string;
  value: string;
}

export const UpdateTaskRequestAnnotationsEntry =
  'containerd.task.v2.UpdateTaskRequest.AnnotationsEntry';

/** `containerd.task.v2.WaitRequest`. */
export interface WaitRequest {
  id: string;
  execId: string;
}

export const WaitRequest = 'containerd.task.v2.WaitRequest';

/** `containerd.task.v2.WaitResponse`. */
export interface WaitResponse {
  exitStatus: number;
  exitedAt?: Partial<Timestamp> | undefined;
}

export const WaitResponse = 'containerd.task.v2.WaitResponse';

/** `containerd.task.v2.StatsRequest`. */
export interface StatsRequest {
  id: string;
}

export const StatsRequest = 'containerd.task.v2.StatsRequest';

/** `containerd.task.v2.StatsResponse`. */
export interface StatsResponse {
  stats?: Partial<Any> | undefined;
}

export const StatsResponse = 'containerd.task.v2.StatsResponse';

/** `containerd.task.v2.ConnectRequest`. */
export interface ConnectRequest {
  id: string;
}

export const ConnectRequest = 'containerd.task.v2.ConnectRequest';

/** `containerd.task.v2.ConnectResponse`. */
export interface ConnectResponse {
  shimPid: number;
  taskPid: number;
  version: string;
}

export const ConnectResponse = 'containerd.task.v2.ConnectResponse';

/** `containerd.task.v2.ShutdownRequest`. */
export interface ShutdownRequest {
  id: string;
  now: boolean;
}

export const ShutdownRequest = 'containerd.task.v2.ShutdownRequest';

/** Field tables of this file's messages. */
export const TASK_MESSAGES = {
  'containerd.task.v2.StateRequest': [
    ['id', 1, 'implicit', 'string'],
    ['execId', 2, 'implicit', 'string'],
  ],
  'containerd.task.v2.StateResponse': [
    ['id', 1, 'implicit', 'string'],
    ['bundle', 2, 'implicit', 'string'],
    ['pid', 3, 'implicit', 'uint32'],
    ['status', 4, 'implicit', 'int32'],
    ['stdin', 5, 'implicit', 'string'],
    ['stdout', 6, 'implicit', 'string'],
    ['stderr', 7, 'implicit', 'string'],
    ['terminal', 8, 'implicit', 'bool'],
    ['exitStatus', 9, 'implicit', 'uint32'],
    ['exitedAt', 10, 'optional', 'google.protobuf.Timestamp'],
    ['execId', 11, 'implicit', 'string'],
  ],
  'containerd.task.v2.CreateTaskRequest': [
    ['id', 1, 'implicit', 'string'],
    ['bundle', 2, 'implicit', 'string'],
    ['rootfs', 3, 'repeated', 'containerd.types.Mount'],
    ['terminal', 4, 'implicit', 'bool'],
    ['stdin', 5, 'implicit', 'string'],
    ['stdout', 6, 'implicit', 'string'],
    ['stderr', 7, 'implicit', 'string'],
    ['checkpoint', 8, 'implicit', 'string'],
    ['parentCheckpoint', 9, 'implicit', 'string'],
    ['options', 10, 'optional', 'google.protobuf.Any'],
  ],
  'containerd.task.v2.CreateTaskResponse': [['pid', 1, 'implicit', 'uint32']],
  'containerd.task.v2.StartRequest': [
    ['id', 1, 'implicit', 'string'],
    ['execId', 2, 'implicit', 'string'],
  ],
  'containerd.task.v2.StartResponse': [['pid', 1, 'implicit', 'uint32']],
  'containerd.task.v2.DeleteRequest': [
    ['id', 1, 'implicit', 'string'],
    ['execId', 2, 'implicit', 'string'],
  ],
  'containerd.task.v2.DeleteResponse': [
    ['pid', 1, 'implicit', 'uint32'],
    ['exitStatus', 2, 'implicit', 'uint32'],
    ['exitedAt', 3, 'optional', 'google.protobuf.Timestamp'],
  ],
  'containerd.task.v2.PidsRequest': [['id', 1, 'implicit', 'string']],
  'containerd.task.v2.ProcessInfo': [
    ['pid', 1, 'implicit', 'uint32'],
    ['info', 2, 'optional', 'google.protobuf.Any'],
  ],
  'containerd.task.v2.PidsResponse': [
    ['processes', 1, 'repeated', 'containerd.task.v2.ProcessInfo'],
  ],
  'containerd.task.v2.PauseRequest': [['id', 1, 'implicit', 'string']],
  'containerd.task.v2.ResumeRequest': [['id', 1, 'implicit', 'string']],
  'containerd.task.v2.CheckpointTaskRequest': [
    ['id', 1, 'implicit', 'string'],
    ['path', 2, 'implicit', 'string'],
    ['options', 3, 'optional', 'google.protobuf.Any'],
  ],
  'containerd.task.v2.KillRequest': [
    ['id', 1, 'implicit', 'string'],
    ['execId', 2, 'implicit', 'string'],
    ['signal', 3, 'implicit', 'uint32'],
    ['all', 4, 'implicit', 'bool'],
  ],
  'containerd.task.v2.ExecProcessRequest': [
    ['id', 1, 'implicit', 'string'],
    ['execId', 2, 'implicit', 'string'],
    ['terminal', 3, 'implicit', 'bool'],
    ['stdin', 4, 'implicit', 'string'],
    ['stdout', 5, 'implicit', 'string'],
    ['stderr', 6, 'implicit', 'string'],
    ['spec', 7, 'optional', 'google.protobuf.Any'],
  ],
  'containerd.task.v2.ResizePtyRequest': [
    ['id', 1, 'implicit', 'string'],
    ['execId', 2, 'implicit', 'string'],
    ['width', 3, 'implicit', 'uint32'],
    ['height', 4, 'implicit', 'uint32'],
  ],
  'containerd.task.v2.CloseIORequest': [
    ['id', 1, 'implicit', 'string'],
    ['execId', 2, 'implicit', 'string'],
    ['stdin', 3, 'implicit', 'bool'],
  ],
  'containerd.task.v2.UpdateTaskRequest': [
    ['id', 1, 'implicit', 'string'],
    ['resources', 2, 'optional', 'google.protobuf.Any'],
    ['annotations', 3, 'repeated', 'containerd.task.v2.UpdateTaskRequest.AnnotationsEntry'],
  ],
  'containerd.task.v2.UpdateTaskRequest.AnnotationsEntry': [
    ['key', 1, 'implicit', 'string'],
    ['value', 2, 'implicit', 'string'],
  ],
  'containerd.task.v2.WaitRequest': [
    ['id', 1, 'implicit', 'string'],
    ['execId', 2, 'implicit', 'string'],
  ],
  'containerd.task.v2.WaitResponse': [
    ['exitStatus', 1, 'implicit', 'uint32'],
    ['exitedAt', 2, 'optional', 'google.protobuf.Timestamp'],
  ],
  'containerd.task.v2.StatsRequest': [['id', 1, 'implicit', 'string']],
  'containerd.task.v2.StatsResponse': [['stats', 1, 'optional', 'google.protobuf.Any']],
  'containerd.task.v2.ConnectRequest': [['id', 1, 'implicit', 'string']],
  'containerd.task.v2.ConnectResponse': [
    ['shimPid', 1, 'implicit', 'uint32'],
    ['taskPid', 2, 'implicit', 'uint32'],
    ['version', 3, 'implicit', 'string'],
  ],
  'containerd.task.v2.ShutdownRequest': [
    ['id', 1, 'implicit', 'string'],
    ['now', 2, 'implicit', 'bool'],
  ],
} as const satisfies MessageTables;
