// SPDX-License-Identifier: Apache-2.0
// Generated from proto/google/protobuf/field_mask.proto; do not edit.
/** Package `google.protobuf`. */
import type { MessageTables } from '../wire/tables.js';

/** `google.protobuf.FieldMask`. */
export interface FieldMask {
  paths: readonly string[];
}

export const FieldMask = 'google.protobuf.FieldMask';

/** Field tables of this file's messages. */
export const FIELD_MASK_MESSAGES = {
  'google.protobuf.FieldMask': [['paths', 1, 'repeated', 'string']],
} as const satisfies MessageTables;
