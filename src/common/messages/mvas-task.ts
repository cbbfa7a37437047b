// SPDX-License-Identifier: Apache-2.0
// Generated from proto/mvas/task.proto; do not edit.
/** What a daemon of the shim offers besides containerd's task service: service `mvas.task.v1.Task`. */
import type { MessageTables } from '../wire/tables.js';
import type { Mount } from './mount.js';

/** Puts a running container back to a snapshot, in place. Answered with a RollbackResponse when it runs again. */
export interface RollbackRequest {
  id: string;

  /** id or name, in the container's namespace */
  snapshot: string;

  /** directory with the changes of the root filesystem as of the snapshot; empty: it stays as it is */
  changesFrom: string;

  /** the mounts of the root filesystem as it is; empty without changes_from */
  rootfs: readonly Partial<Mount>[];
}

export const RollbackRequest = 'mvas.task.v1.RollbackRequest';

/** `mvas.task.v1.RollbackResponse`. */
export interface RollbackResponse {
  /** of the new init */
  pid: number;

  /** from the end of the old processes' last step to the first one of the new processes */
  standstillUs: bigint;
}

export const RollbackResponse = 'mvas.task.v1.RollbackResponse';

/** Field tables of this file's messages. */
export const MVAS_TASK_MESSAGES = {
  'mvas.task.v1.RollbackRequest': [
    ['id', 1, 'implicit', 'string'],
    ['snapshot', 2, 'implicit', 'string'],
    ['changesFrom', 3, 'implicit', 'string'],
    ['rootfs', 4, 'repeated', 'containerd.types.Mount'],
  ],
  'mvas.task.v1.RollbackResponse': [
    ['pid', 1, 'implicit', 'uint32'],
    ['standstillUs', 2, 'implicit', 'uint64'],
  ],
} as const satisfies MessageTables;
