// SPDX-License-Identifier: Apache-2.0
import type { NsPid } from '../../../common/ids.js';
import { PAGE } from '../../../native/abi/index.js';
import { readFarDown } from '../far-down.js';
import { inherit, mayInherit, type Inherited } from '../inheritance.js';
import type { MemoryMap } from '../memory-map.js';
import { appendRun, type PageRun } from '../page-runs.js';
import { PageEntries } from './page-entries.js';
import type { LiveProcess } from './process.js';

/** In the upper half of an entry: the rest of the frame's number (or of its place in swap), present, swapped. */
const UPPER = 0xc07fffff;

const NOTHING: Inherited['forks'] = new Map();

/** A process and its memory. */
export interface Owner {
  readonly process: LiveProcess;
  readonly map: MemoryMap;
}

/**
 * Leaves out what processes still share with the process that will fork them at a restore (see inheritance.ts), and marks what
 * those far down the tree will read (far-down.ts).
 * Pages are the same if both have the same frame at the same address: then their content is the same.
 *
 * @param owners stopped processes
 * @param forkers the forker of each, by container pid; after its own forker
 */
export function inheritAll(
  owners: readonly Owner[],
  forkers: ReadonlyMap<NsPid, NsPid>,
): readonly MemoryMap[] {
  const byPid = new Map(owners.map((owner) => [owner.process.nsPid, owner]));
  const found = new Map<NsPid, Inherited>();
  const depths = new Map<NsPid, number>();
  for (const [pid, forkedBy] of forkers) {
    depths.set(pid, (depths.get(forkedBy) ?? 0) + 1);
    const [heir, forker] = [byPid.get(pid), byPid.get(forkedBy)];
    if (!heir || !forker || !mayInherit(heir.map, forker.map)) continue;
    found.set(pid, compare(heir, forker, found.get(forkedBy)?.forks ?? NOTHING));
  }
  return owners.map(({ process: { nsPid }, map }) => {
    return readFarDown(found.get(nsPid)?.map ?? map, depths.get(nsPid) ?? 0);
  });
}

function compare(heir: Owner, forker: Owner, forks: Inherited['forks']): Inherited {
  const ours = new PageEntries(heir.process.pid);
  const theirs = new PageEntries(forker.process.pid);
  try {
    return inherit(heir.map, { map: forker.map, forks }, (run) => differing(run, ours, theirs));
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
