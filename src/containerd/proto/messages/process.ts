// SPDX-License-Identifier: Apache-2.0
// Generated from proto/types/process.proto; do not edit.
/** Package `containerd.v1.types`. */
import type { MessageTables } from '../../../common/wire/tables.js';
import type { Timestamp } from '../../../common/messages/timestamp.js';

export const Status = {
  UNKNOWN: 0,
  CREATED: 1,
  RUNNING: 2,
  STOPPED: 3,
  PAUSED: 4,
  PAUSING: 5,
} as const;

/** `containerd.v1.types.Process`. */
export interface Process {
  containerId: string;
  id: string;
  pid: number;
  status: number;
  stdin: string;
  stdout: string;
  stderr: string;
  terminal: boolean;
  exitStatus: number;
  exitedAt?: Partial<Timestamp> | undefined;
}

export const Process = 'containerd.v1.types.Process';

/** Field tables of this file's messages. */
export const PROCESS_MESSAGES = {
  'containerd.v1.types.Process': [
    ['containerId', 1, 'implicit', 'string'],
    ['id', 2, 'implicit', 'string'],
    ['pid', 3, 'implicit', 'uint32'],
    ['status', 4, 'implicit', 'int32'],
    ['stdin', 5, 'implicit', 'string'],
    ['stdout', 6, 'implicit', 'string'],
    ['stderr', 7, 'implicit', 'string'],
    ['terminal', 8, 'implicit', 'bool'],
    ['exitStatus', 9, 'implicit', 'uint32'],
    ['exitedAt', 10, 'optional', 'google.protobuf.Timestamp'],
  ],
} as const satisfies MessageTables;
