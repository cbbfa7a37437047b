// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';

/** A `google.rpc.Status` without details. */
export interface StatusValue {
  readonly code: number;
  readonly message: string;
}

/**
 * Longer messages are truncated: a request may contain a name of any length, and the reply repeats it. gRPC encodes
 * a character in up to nine bytes, and Node sends no headers of more than 64 KiB.
 */
const MAX_MESSAGE = 6 * 1024;

/** An error as it is sent. The one translation at the RPC edge. */
export function statusOf(error: unknown): StatusValue {
  const known = ShimError.from(error);
  return { code: known.code, message: wellFormed(known.message.slice(0, MAX_MESSAGE)) };
}

/** Replaces unpaired surrogates, which gRPC cannot encode. */
function wellFormed(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8');
}
