// SPDX-License-Identifier: Apache-2.0
import { ERROR_CODES, ShimError, type ErrorKind } from '../../common/errors.js';

/** A `google.rpc.Status` without details. */
export interface StatusValue {
  readonly code: number;
  readonly message: string;
}

/**
 * Words beyond this are cut off: a request may bring a name of any length, and the reply repeats it. gRPC
 * writes a letter as up to nine bytes, and Node sends no headers of more than 64 KiB.
 */
const MAX_MESSAGE = 6 * 1024;

/** What an error looks like on the wire. The one translation at the RPC edge. */
export function statusOf(error: unknown): StatusValue {
  const known = ShimError.from(error);
  return { code: known.code, message: wellFormed(known.message.slice(0, MAX_MESSAGE)) };
}

/** Replaces halves of letters, which gRPC cannot write. */
function wellFormed(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8');
}

/** The error a peer reported. Codes this project does not use become `unknown`. */
export function errorOf(code: number, message: string): ShimError {
  const kinds = Object.keys(ERROR_CODES) as ErrorKind[];
  return new ShimError(kinds.find((kind) => ERROR_CODES[kind] === code) ?? 'unknown', message);
}
