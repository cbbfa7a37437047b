// SPDX-License-Identifier: Apache-2.0
import type { NsPid } from '../../../common/ids.js';
import { PAGE } from '../../../native/abi/index.js';
import { inherit, mayInherit } from '../inheritance.js';
import type { MemoryMap } from '../memory-map.js';
import { appendRun, type PageRun } from '../page-runs.js';
import { PageEntries } from './page-entries.js';
import type { LiveProcess } from './process.js';

/** In the upper half of an entry: the rest of the frame's number (or of its place in swap), present, swapped. */
const UPPER = 0xc07fffff;

/** A process and its memory. */
export interface Owner {
  readonly process: LiveProcess;
  readonly map: MemoryMap;
}

/**
 * Leaves out what processes still share with the process that will fork them at a restore (see inheritance.ts).
 * Pages are the same if both have the same frame at the same address: then their content is the same.
 *
 * @param owners stopped processes
 * @param forkers the forker of each, by container pid
 */
export function inheritAll(
  owners: readonly Owner[],
  forkers: ReadonlyMap<NsPid, NsPid>,
): readonly MemoryMap[] {
  const byPid = new Map(owners.map((owner) => [owner.process.nsPid, owner]));
  return owners.map((heir) => {
    const forkedBy = forkers.get(heir.process.nsPid);
    const forker = forkedBy && byPid.get(forkedBy);
    return forker && mayInherit(heir.map, forker.map) ? compare(heir, forker) : heir.map;
  });
}

function compare(heir: Owner, forker: Owner): MemoryMap {
  const ours = new PageEntries(heir.process.pid);
  const theirs = new PageEntries(forker.process.pid);
  try {
    return inherit(heir.map, forker.map, (run) => differing(run, ours, theirs));
  } finally {
    ours.close();
    theirs.close();
  }
}

/**
 * Pages of a run that are not the forker's. The forker's pages are looked at before and after the heir's, since the
 * kernel may move pages in between.
 */
function differing(run: PageRun, ours: PageEntries, theirs: PageEntries): PageRun[] {
  const before = theirs.read(run);
  const mine = ours.read(run);
  const after = theirs.read(run);
  const runs: PageRun[] = [];
  for (let word = 0; word < mine.length; word += 2) {
    if (isSame(mine, before, word) && isSame(mine, after, word)) continue;
    const start = run.start + BigInt(word) * 2048n;
    appendRun(runs, start, start + PAGE);
  }
  return runs;
}

/** Whether two entries name the same frame; readers without the privilege see the number 0. */
function isSame(one: Uint32Array, other: Uint32Array, word: number): boolean {
  const [lower = 0, upper = 0] = [one[word], one[word + 1]];
  const isKnown = lower !== 0 || (upper & 0x7fffff) !== 0;
  return isKnown && lower === other[word] && ((upper ^ (other[word + 1] ?? 0)) & UPPER) === 0;
}
