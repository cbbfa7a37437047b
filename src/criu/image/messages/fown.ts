// SPDX-License-Identifier: Apache-2.0
// Generated from proto/criu/fown.proto; do not edit.
/** Who gets the signals of an open file. */
import type { NsTid } from '../../../common/ids.js';
import type { EnumTables, MessageTables } from '../../../common/wire/tables.js';

/** Owner for signals, F_SETOWN_EX. */
export interface FownEntry {
  uid: number;
  euid: number;
  signum: number;
  pid_type: number;
  pid: NsTid;
}

/** Field tables of this file's messages. */
export const FOWN_MESSAGES = {
  fown_entry: [
    ['uid', 1, 'required', 'uint32'],
    ['euid', 2, 'required', 'uint32'],
    ['signum', 3, 'required', 'uint32'],
    ['pid_type', 4, 'required', 'uint32'],
    ['pid', 5, 'required', 'uint32'],
  ],
} as const satisfies MessageTables;

/** Numbers of this file's enums. */
export const FOWN_ENUMS = {} as const satisfies EnumTables;
