// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../common/errors.js';

/**
 * Checks pairs of first page and page count: in order, apart, and within so many pages.
 *
 * @param what names what they are of
 * @throws ShimError `dataLoss`
 */
export function checkPairs(runs: readonly bigint[], pages: bigint, what: () => string): void {
  if (runs.length % 2 !== 0) badImage(`${what()} has half a run of pages`);
  let next = 0n;
  for (let i = 0; i < runs.length; i += 2) {
    const first = runs[i] ?? 0n;
    const count = runs[i + 1] ?? 0n;
    if (first < next || count === 0n || first + count > pages) {
      badImage(`${what()} has runs of pages out of order or beyond its end`);
    }
    next = first + count;
  }
}
