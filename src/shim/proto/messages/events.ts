// SPDX-License-Identifier: Apache-2.0
// Generated from proto/events/task.proto; do not edit.
/** Package `containerd.events`. */
import type { MessageTables } from '../../../common/wire/tables.js';
import type { Mount } from '../../../common/messages/mount.js';
import type { Timestamp } from '../../../common/messages/timestamp.js';

/** `containerd.events.TaskIO`. */
export interface TaskIO {
  stdin: string;
  stdout: string;
  stderr: string;
  terminal: boolean;
}

export const TaskIO = 'containerd.events.TaskIO';

/** `containerd.events.TaskCreate`. */
export interface TaskCreate {
  containerId: string;
  bundle: string;
  rootfs: readonly Partial<Mount>[];
  io?: Partial<TaskIO> | undefined;
  checkpoint: string;
  pid: number;
}

export const TaskCreate = 'containerd.events.TaskCreate';

/** `containerd.events.TaskStart`. */
export interface TaskStart {
  containerId: string;
  pid: number;
}

export const TaskStart = 'containerd.events.TaskStart';

/** `containerd.events.TaskExit`. */
export interface TaskExit {
  containerId: string;
  id: string;
  pid: number;
  exitStatus: number;
  exitedAt?: Partial<Timestamp> | undefined;
}

export const TaskExit = 'containerd.events.TaskExit';

/** `containerd.events.TaskDelete`. */
export interface TaskDelete {
  containerId: string;
  pid: number;
  exitStatus: number;
  exitedAt?: Partial<Timestamp> | undefined;
  id: string;
}

export const TaskDelete = 'containerd.events.TaskDelete';

/** `containerd.events.TaskExecAdded`. */
export interface TaskExecAdded {
  containerId: string;
  execId: string;
}

export const TaskExecAdded = 'containerd.events.TaskExecAdded';

/** `containerd.events.TaskExecStarted`. */
export interface TaskExecStarted {
  containerId: string;
  execId: string;
  pid: number;
}

export const TaskExecStarted = 'containerd.events.TaskExecStarted';

/** `containerd.events.TaskOOM`. */
export interface TaskOOM {
  containerId: string;
}

export const TaskOOM = 'containerd.events.TaskOOM';

/** `containerd.events.TaskPaused`. */
export interface TaskPaused {
  containerId: string;
}

export const TaskPaused = 'containerd.events.TaskPaused';

/** `containerd.events.TaskResumed`. */
export interface TaskResumed {
  containerId: string;
}

export const TaskResumed = 'containerd.events.TaskResumed';

/** `containerd.events.TaskCheckpointed`. */
export interface TaskCheckpointed {
  containerId: string;
  checkpoint: string;
}

export const TaskCheckpointed = 'containerd.events.TaskCheckpointed';

/** Field tables of this file's messages. */
export const EVENTS_MESSAGES = {
  'containerd.events.TaskIO': [
    ['stdin', 1, 'implicit', 'string'],
    ['stdout', 2, 'implicit', 'string'],
    ['stderr', 3, 'implicit', 'string'],
    ['terminal', 4, 'implicit', 'bool'],
  ],
  'containerd.events.TaskCreate': [
    ['containerId', 1, 'implicit', 'string'],
    ['bundle', 2, 'implicit', 'string'],
    ['rootfs', 3, 'repeated', 'containerd.types.Mount'],
    ['io', 4, 'optional', 'containerd.events.TaskIO'],
    ['checkpoint', 5, 'implicit', 'string'],
    ['pid', 6, 'implicit', 'uint32'],
  ],
  'containerd.events.TaskStart': [
    ['containerId', 1, 'implicit', 'string'],
    ['pid', 2, 'implicit', 'uint32'],
  ],
  'containerd.events.TaskExit': [
    ['containerId', 1, 'implicit', 'string'],
    ['id', 2, 'implicit', 'string'],
    ['pid', 3, 'implicit', 'uint32'],
    ['exitStatus', 4, 'implicit', 'uint32'],
    ['exitedAt', 5, 'optional', 'google.protobuf.Timestamp'],
  ],
  'containerd.events.TaskDelete': [
    ['containerId', 1, 'implicit', 'string'],
    ['pid', 2, 'implicit', 'uint32'],
    ['exitStatus', 3, 'implicit', 'uint32'],
    ['exitedAt', 4, 'optional', 'google.protobuf.Timestamp'],
    ['id', 5, 'implicit', 'string'],
  ],
  'containerd.events.TaskExecAdded': [
    ['containerId', 1, 'implicit', 'string'],
    ['execId', 2, 'implicit', 'string'],
  ],
  'containerd.events.TaskExecStarted': [
    ['containerId', 1, 'implicit', 'string'],
    ['execId', 2, 'implicit', 'string'],
    ['pid', 3, 'implicit', 'uint32'],
  ],
  'containerd.events.TaskOOM': [['containerId', 1, 'implicit', 'string']],
  'containerd.events.TaskPaused': [['containerId', 1, 'implicit', 'string']],
  'containerd.events.TaskResumed': [['containerId', 1, 'implicit', 'string']],
  'containerd.events.TaskCheckpointed': [
    ['containerId', 1, 'implicit', 'string'],
    ['checkpoint', 2, 'implicit', 'string'],
  ],
} as const satisfies MessageTables;
