// SPDX-License-Identifier: Apache-2.0
import { field, message } from './codec.js';
import { Any, Mount, Timestamp } from './types.js';

/**
 * Messages of `containerd.task.v2.Task` and `containerd.task.v3.Task`, which agree field for field.
 * Reference: proto/runtime/task/{v2,v3}/shim.proto.
 */

/** Requests that name a task alone: Pids, Pause, Resume, Stats, Connect. */
export const IdRequest = message({ id: field.string(1) });

/** Requests that name a process (empty `execId`: init): State, Start, Delete, Wait. */
export const ProcessRequest = message({ id: field.string(1), execId: field.string(2) });

export const StateResponse = message({
  id: field.string(1),
  bundle: field.string(2),
  pid: field.uint32(3),
  status: field.int32(4),
  stdin: field.string(5),
  stdout: field.string(6),
  stderr: field.string(7),
  terminal: field.bool(8),
  exitStatus: field.uint32(9),
  exitedAt: field.message(10, Timestamp),
  execId: field.string(11),
});

export const CreateTaskRequest = message({
  id: field.string(1),
  bundle: field.string(2),
  rootfs: field.messages(3, Mount),
  terminal: field.bool(4),
  stdin: field.string(5),
  stdout: field.string(6),
  stderr: field.string(7),
  checkpoint: field.string(8),
  parentCheckpoint: field.string(9),
  options: field.message(10, Any),
});

/** CreateTaskResponse and StartResponse. */
export const PidResponse = message({ pid: field.uint32(1) });

export const DeleteResponse = message({
  pid: field.uint32(1),
  exitStatus: field.uint32(2),
  exitedAt: field.message(3, Timestamp),
});

export const ProcessInfo = message({ pid: field.uint32(1), info: field.message(2, Any) });

export const PidsResponse = message({ processes: field.messages(1, ProcessInfo) });

export const CheckpointTaskRequest = message({
  id: field.string(1),
  path: field.string(2),
  options: field.message(3, Any),
});

export const KillRequest = message({
  id: field.string(1),
  execId: field.string(2),
  signal: field.uint32(3),
  all: field.bool(4),
});

export const ExecProcessRequest = message({
  id: field.string(1),
  execId: field.string(2),
  terminal: field.bool(3),
  stdin: field.string(4),
  stdout: field.string(5),
  stderr: field.string(6),
  spec: field.message(7, Any),
});

export const ResizePtyRequest = message({
  id: field.string(1),
  execId: field.string(2),
  width: field.uint32(3),
  height: field.uint32(4),
});

export const CloseIORequest = message({
  id: field.string(1),
  execId: field.string(2),
  stdin: field.bool(3),
});

export const StringEntry = message({ key: field.string(1), value: field.string(2) });

export const UpdateTaskRequest = message({
  id: field.string(1),
  resources: field.message(2, Any),
  annotations: field.messages(3, StringEntry),
});

export const WaitResponse = message({
  exitStatus: field.uint32(1),
  exitedAt: field.message(2, Timestamp),
});

export const StatsResponse = message({ stats: field.message(1, Any) });

export const ConnectResponse = message({
  shimPid: field.uint32(1),
  taskPid: field.uint32(2),
  version: field.string(3),
});

export const ShutdownRequest = message({ id: field.string(1), now: field.bool(2) });
