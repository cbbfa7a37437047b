// SPDX-License-Identifier: Apache-2.0
// Generated from proto/google/protobuf/empty.proto; do not edit.
/** Package `google.protobuf`. */
import type { MessageTables } from '../wire/tables.js';

/** `google.protobuf.Empty`. */
export type Empty = object;

export const Empty = 'google.protobuf.Empty';

/** Field tables of this file's messages. */
export const EMPTY_MESSAGES = {
  'google.protobuf.Empty': [],
} as const satisfies MessageTables;
