// SPDX-License-Identifier: Apache-2.0
import { field, message } from './codec.js';
import { Any } from './types.js';

/** `ttrpc.KeyValue`: a piece of metadata. */
export const KeyValue = message({ key: field.string(1), value: field.string(2) });

/** `ttrpc.Request`. */
export const Request = message({
  service: field.string(1),
  method: field.string(2),
  payload: field.bytes(3),
  timeoutNano: field.int64(4),
  metadata: field.messages(5, KeyValue),
});

/** `google.rpc.Status`. */
export const Status = message({
  code: field.int32(1),
  message: field.string(2),
  details: field.messages(3, Any),
});

/** `ttrpc.Response`. */
export const Response = message({ status: field.message(1, Status), payload: field.bytes(2) });
