// SPDX-License-Identifier: Apache-2.0
// Generated from proto/types/mount.proto; do not edit.
/** Package `containerd.types`. */
import type { MessageTables } from '../wire/tables.js';

/** `containerd.types.Mount`. */
export interface Mount {
  type: string;
  source: string;
  target: string;
  options: readonly string[];
}

export const Mount = 'containerd.types.Mount';

/** Field tables of this file's messages. */
export const MOUNT_MESSAGES = {
  'containerd.types.Mount': [
    ['type', 1, 'implicit', 'string'],
    ['source', 2, 'implicit', 'string'],
    ['target', 3, 'implicit', 'string'],
    ['options', 4, 'repeated', 'string'],
  ],
} as const satisfies MessageTables;
