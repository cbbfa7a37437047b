// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';

/** One entry of the auxiliary vector. Source: getauxval(3), linux/auxvec.h. */
export interface AuxvEntry {
  /** AT_* number. */
  readonly type: bigint;
  readonly value: bigint;
}

const ENTRY_BYTES = 16;
const AT_NULL = 0n;

/**
 * Parses /proc/PID/auxv of a 64-bit process: the entries before AT_NULL, in order. Empty for a kernel
 * thread or zombie.
 *
 * @throws ShimError `internal` if it is truncated or lacks its end
 */
export function parseAuxv(content: Uint8Array): readonly AuxvEntry[] {
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const entries: AuxvEntry[] = [];
  for (let at = 0; at + ENTRY_BYTES <= view.byteLength; at += ENTRY_BYTES) {
    const type = view.getBigUint64(at, true);
    if (type === AT_NULL) return entries;
    entries.push({ type, value: view.getBigUint64(at + 8, true) });
  }
  if (content.length === 0) return entries;
  throw new ShimError('internal', `parse auxv: no end within ${String(content.length)} bytes`);
}
