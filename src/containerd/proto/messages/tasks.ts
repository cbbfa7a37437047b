// SPDX-License-Identifier: Apache-2.0
// Generated from proto/services/tasks.proto; do not edit.
/** containerd's tasks: the running side of containers. */
import type { MessageTables } from '../../../common/wire/tables.js';
import type { Any } from '../../../common/messages/any.js';
import type { Mount } from '../../../common/messages/mount.js';
import type { Process } from './process.js';
import type { Timestamp } from '../../../common/messages/timestamp.js';

/** `containerd.services.tasks.v1.CreateTaskRequest`. */
export interface CreateTaskRequest {
  containerId: string;
  rootfs: readonly Partial<Mount>[];
  stdin: string;
  stdout: string;
  stderr: string;
  terminal: boolean;
  options?: Partial<Any> | undefined;
}

export const CreateTaskRequest = 'containerd.services.tasks.v1.CreateTaskRequest';

/** `containerd.services.tasks.v1.CreateTaskResponse`. */
export interface CreateTaskResponse {
  containerId: string;
  pid: number;
}

export const CreateTaskResponse = 'containerd.services.tasks.v1.CreateTaskResponse';

/** `containerd.services.tasks.v1.StartRequest`. */
export interface StartRequest {
  containerId: string;
  execId: string;
}

export const StartRequest = 'containerd.services.tasks.v1.StartRequest';

/** `containerd.services.tasks.v1.StartResponse`. */
export interface StartResponse {
  pid: number;
}

export const StartResponse = 'containerd.services.tasks.v1.StartResponse';

/** `containerd.services.tasks.v1.GetRequest`. */
export interface GetRequest {
  containerId: string;
  execId: string;
}

export const GetRequest = 'containerd.services.tasks.v1.GetRequest';

/** `containerd.services.tasks.v1.GetResponse`. */
export interface GetResponse {
  process?: Partial<Process> | undefined;
}

export const GetResponse = 'containerd.services.tasks.v1.GetResponse';

/** `containerd.services.tasks.v1.DeleteTaskRequest`. */
export interface DeleteTaskRequest {
  containerId: string;
}

export const DeleteTaskRequest = 'containerd.services.tasks.v1.DeleteTaskRequest';

/** `containerd.services.tasks.v1.DeleteResponse`. */
export interface DeleteResponse {
  id: string;
  pid: number;
  exitStatus: number;
  exitedAt?: Partial<Timestamp> | undefined;
}

export const DeleteResponse = 'containerd.services.tasks.v1.DeleteResponse';

/** `containerd.services.tasks.v1.KillRequest`. */
export interface KillRequest {
  containerId: string;
  execId: string;
  signal: number;
  all: boolean;
}

export const KillRequest = 'containerd.services.tasks.v1.KillRequest';

/** `containerd.services.tasks.v1.WaitRequest`. */
export interface WaitRequest {
  containerId: string;
  execId: string;
}

export const WaitRequest = 'containerd.services.tasks.v1.WaitRequest';

/** `containerd.services.tasks.v1.WaitResponse`. */
export interface WaitResponse {
  exitStatus: number;
  exitedAt?: Partial<Timestamp> | undefined;
}

export const WaitResponse = 'containerd.services.tasks.v1.WaitResponse';

/** Field tables of this file's messages. */
export const TASKS_MESSAGES = {
  'containerd.services.tasks.v1.CreateTaskRequest': [
    ['containerId', 1, 'implicit', 'string'],
    ['rootfs', 3, 'repeated', 'containerd.types.Mount'],
    ['stdin', 4, 'implicit', 'string'],
    ['stdout', 5, 'implicit', 'string'],
    ['stderr', 6, 'implicit', 'string'],
    ['terminal', 7, 'implicit', 'bool'],
    ['options', 9, 'optional', 'google.protobuf.Any'],
  ],
  'containerd.services.tasks.v1.CreateTaskResponse': [
    ['containerId', 1, 'implicit', 'string'],
    ['pid', 2, 'implicit', 'uint32'],
  ],
  'containerd.services.tasks.v1.StartRequest': [
    ['containerId', 1, 'implicit', 'string'],
    ['execId', 2, 'implicit', 'string'],
  ],
  'containerd.services.tasks.v1.StartResponse': [['pid', 1, 'implicit', 'uint32']],
  'containerd.services.tasks.v1.GetRequest': [
    ['containerId', 1, 'implicit', 'string'],
    ['execId', 2, 'implicit', 'string'],
  ],
  'containerd.services.tasks.v1.GetResponse': [
    ['process', 1, 'optional', 'containerd.v1.types.Process'],
  ],
  'containerd.services.tasks.v1.DeleteTaskRequest': [['containerId', 1, 'implicit', 'string']],
  'containerd.services.tasks.v1.DeleteResponse': [
    ['id', 1, 'implicit', 'string'],
    ['pid', 2, 'implicit', 'uint32'],
    ['exitStatus', 3, 'implicit', 'uint32'],
    ['exitedAt', 4, 'optional', 'google.protobuf.Timestamp'],
  ],
  'containerd.services.tasks.v1.KillRequest': [
    ['containerId', 1, 'implicit', 'string'],
    ['execId', 2, 'implicit', 'string'],
    ['signal', 3, 'implicit', 'uint32'],
    ['all', 4, 'implicit', 'bool'],
  ],
  'containerd.services.tasks.v1.WaitRequest': [
    ['containerId', 1, 'implicit', 'string'],
    ['execId', 2, 'implicit', 'string'],
  ],
  'containerd.services.tasks.v1.WaitResponse': [
    ['exitStatus', 1, 'implicit', 'uint32'],
    ['exitedAt', 2, 'optional', 'google.protobuf.Timestamp'],
  ],
} as const satisfies MessageTables;
