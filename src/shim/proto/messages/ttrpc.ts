// SPDX-License-Identifier: Apache-2.0
// Generated from proto/ttrpc/request.proto; do not edit.
/** Package `ttrpc`. */
import type { MessageTables } from '../../../common/wire/tables.js';
import type { Status } from './status.js';

/** `ttrpc.KeyValue`. */
export interface KeyValue {
  key: string;
  value: string;
}

export const KeyValue = 'ttrpc.KeyValue';

/** `ttrpc.Request`. */
export interface Request {
  service: string;
  method: string;
  payload: Uint8Array;
  timeoutNano: bigint;
  metadata: readonly Partial<KeyValue>[];
}

export const Request = 'ttrpc.Request';

/** `ttrpc.Response`. */
export interface Response {
  status?: Partial<Status> | undefined;
  payload: Uint8Array;
}

export const Response = 'ttrpc.Response';

/** Field tables of this file's messages. */
export const TTRPC_MESSAGES = {
  'ttrpc.KeyValue': [
    ['key', 1, 'implicit', 'string'],
    ['value', 2, 'implicit', 'string'],
  ],
  'ttrpc.Request': [
    ['service', 1, 'implicit', 'string'],
    ['method', 2, 'implicit', 'string'],
    ['payload', 3, 'implicit', 'bytes'],
    ['timeoutNano', 4, 'implicit', 'int64'],
    ['metadata', 5, 'repeated', 'ttrpc.KeyValue'],
  ],
  'ttrpc.Response': [
    ['status', 1, 'optional', 'google.rpc.Status'],
    ['payload', 2, 'implicit', 'bytes'],
  ],
} as const satisfies MessageTables;
