// SPDX-License-Identifier: Apache-2.0
// Generated from proto/google/protobuf/any.proto; do not edit.
/** Package `google.protobuf`. */
import type { MessageTables } from '../wire/tables.js';

/** A message of any type. containerd uses bare full names as type URLs. */
export interface Any {
  typeUrl: string;
  value: Uint8Array;
}

export const Any = 'google.protobuf.Any';

/** Field tables of this file's messages. */
export const ANY_MESSAGES = {
  'google.protobuf.Any': [
    ['typeUrl', 1, 'implicit', 'string'],
    ['value', 2, 'implicit', 'bytes'],
  ],
} as const satisfies MessageTables;
