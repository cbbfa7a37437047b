// SPDX-License-Identifier: Apache-2.0
// Generated from proto/google/protobuf/timestamp.proto; do not edit.
/** Package `google.protobuf`. */
import type { MessageTables } from '../wire/tables.js';

/** Time since 1970 in UTC. */
export interface Timestamp {
  seconds: bigint;
  nanos: number;
}

export const Timestamp = 'google.protobuf.Timestamp';

/** Field tables of this file's messages. */
export const TIMESTAMP_MESSAGES = {
  'google.protobuf.Timestamp': [
    ['seconds', 1, 'implicit', 'int64'],
    ['nanos', 2, 'implicit', 'int32'],
  ],
} as const satisfies MessageTables;
