// SPDX-License-Identifier: Apache-2.0
import { field, message } from './codec.js';
import { Any, Mount, Timestamp } from './types.js';

/** Messages of package `containerd.events`, and those that carry them to containerd. */

export const TaskIO = message({
  stdin: field.string(1),
  stdout: field.string(2),
  stderr: field.string(3),
  terminal: field.bool(4),
});

export const TaskCreate = message({
  containerId: field.string(1),
  bundle: field.string(2),
  rootfs: field.messages(3, Mount),
  io: field.message(4, TaskIO),
  checkpoint: field.string(5),
  pid: field.uint32(6),
});

export const TaskStart = message({ containerId: field.string(1), pid: field.uint32(2) });

export const TaskExit = message({
  containerId: field.string(1),
  id: field.string(2),
  pid: field.uint32(3),
  exitStatus: field.uint32(4),
  exitedAt: field.message(5, Timestamp),
});

export const TaskDelete = message({
  containerId: field.string(1),
  pid: field.uint32(2),
  exitStatus: field.uint32(3),
  exitedAt: field.message(4, Timestamp),
  id: field.string(5),
});

export const TaskExecAdded = message({ containerId: field.string(1), execId: field.string(2) });

export const TaskExecStarted = message({
  containerId: field.string(1),
  execId: field.string(2),
  pid: field.uint32(3),
});

/** TaskOOM, TaskPaused and TaskResumed. */
export const TaskNamed = message({ containerId: field.string(1) });

export const TaskCheckpointed = message({
  containerId: field.string(1),
  checkpoint: field.string(2),
});

export const Envelope = message({
  timestamp: field.message(1, Timestamp),
  namespace: field.string(2),
  topic: field.string(3),
  event: field.message(4, Any),
});

export const ForwardRequest = message({ envelope: field.message(1, Envelope) });
