// SPDX-License-Identifier: Apache-2.0
import type { VasRecord } from './store.js';

/** What a record says of its memory. */
export type Holding = Pick<VasRecord, 'id' | 'bytes' | 'origin' | 'copied'>;

/**
 * Bytes that VASes take together, at most: one that has been forked from another of them takes what it has copied, since it
 * shares the rest with that. Pure.
 */
export function takenBy(holdings: readonly Holding[]): number {
  const ids = new Set(holdings.map(({ id }) => id));
  return holdings.reduce((sum, { bytes, origin, copied = bytes }) => {
    const isShared = origin !== undefined && ids.has(origin);
    return sum + (isShared ? Math.min(bytes, copied) : bytes);
  }, 0);
}
