// SPDX-License-Identifier: Apache-2.0
import { HUGE_PAGE } from '../../native/abi/index.js';
import type { Range } from './ranges.js';
import type { PageRun } from './page-runs.js';

/** At least this share of a block is stored if the block is worth a huge page; the rest becomes zeros in memory. */
const DENSE = (HUGE_PAGE * 3n) / 4n;

/**
 * Ranges of aligned blocks inside an area of which at least three quarters are stored.
 *
 * @param runs the stored pages of the area, in order
 */
export function denseBlocks(area: Range, runs: readonly PageRun[]): Range[] {
  const stored = new Map<bigint, bigint>();
  for (const run of runs) {
    const end = run.start + run.length;
    for (let at = run.start; at < end;) {
      const block = at - (at % HUGE_PAGE);
      const stop = block + HUGE_PAGE < end ? block + HUGE_PAGE : end;
      stored.set(block, (stored.get(block) ?? 0n) + (stop - at));
      at = stop;
    }
  }
  const ranges: Range[] = [];
  for (const [start, bytes] of stored) {
    const end = start + HUGE_PAGE;
    if (bytes < DENSE || start < area.start || end > area.end) continue;
    const last = ranges.at(-1);
    if (last?.end === start) ranges[ranges.length - 1] = { start: last.start, end };
    else ranges.push({ start, end });
  }
  return ranges;
}
