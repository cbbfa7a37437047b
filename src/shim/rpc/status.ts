// SPDX-License-Identifier: Apache-2.0
import { ERROR_CODES, ShimError, type ErrorKind } from '../../common/errors.js';

/** A `google.rpc.Status` without details. */
export interface StatusValue {
  readonly code: number;
  readonly message: string;
}

/** What an error looks like on the wire. The one translation at the RPC edge. */
export function statusOf(error: unknown): StatusValue {
  const known = ShimError.from(error);
  return { code: known.code, message: known.message };
}

/** The error a peer reported. Codes this project does not use become `unknown`. */
export function errorOf(code: number, message: string): ShimError {
  const kinds = Object.keys(ERROR_CODES) as ErrorKind[];
  return new ShimError(kinds.find((kind) => ERROR_CODES[kind] === code) ?? 'unknown', message);
}
