// SPDX-License-Identifier: Apache-2.0
import { STAT } from '../../../../../native/abi/index.js';

/** Offsets in the row of a file: of the address of its path, the number that it gets, and its `struct stat`. */
export const FIELD = { path: 0, number: 8, stat: 16 } as const;
/** Bytes of a row. */
export const ROW_SIZE = FIELD.stat + STAT.bytes;

/** Where the `struct stat` of a row is in its table. */
export function statOf(row: number): number {
  return row * ROW_SIZE + FIELD.stat;
}
