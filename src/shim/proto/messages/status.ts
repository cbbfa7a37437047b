// SPDX-License-Identifier: Apache-2.0
// Generated from proto/google/rpc/status.proto; do not edit.
/** Package `google.rpc`. */
import type { MessageTables } from '../../../common/wire/tables.js';
import type { Any } from '../../../common/messages/any.js';

/** `google.rpc.Status`. */
export interface Status {
  code: number;
  message: string;
  details: readonly Partial<Any>[];
}

export const Status = 'google.rpc.Status';

/** Field tables of this file's messages. */
export const STATUS_MESSAGES = {
  'google.rpc.Status': [
    ['code', 1, 'implicit', 'int32'],
    ['message', 2, 'implicit', 'string'],
    ['details', 3, 'repeated', 'google.protobuf.Any'],
  ],
} as const satisfies MessageTables;
