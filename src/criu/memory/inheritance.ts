// SPDX-License-Identifier: Apache-2.0
import { PAGE } from '../../native/abi/index.js';
import type { TracedProcess } from '../tracee/tracee.js';
import type { FoundArea } from './page-finder.js';
import { PageEntries } from './page-entries.js';
import { appendRun, totalBytes, without, type PageRun } from './page-runs.js';

/** Flags that a mapping has from the start of a restore on: heir and forker have to agree on them. */
const EARLY_FLAGS = ['gd', 'nr', 'ac', 'hg', 'nh'] as const;
/** In the upper half of an entry: the rest of the frame's number (or of the place in swap), present, swapped. */
const UPPER = 0xc07fffff;

/** A process and what is stored of it. */
export interface Owner {
  readonly process: TracedProcess;
  readonly areas: readonly FoundArea[];
}

/**
 * Finds what processes still share with the one that is to fork them at a restore: there it need not be
 * stored, since the fork shares it again. Pages are the same where both have the same frame at the
 * same address; whatever the reason, their content is one. The forker's pages are looked at before and after
 * the heir's, since the kernel may move pages meanwhile.
 *
 * @param owners stopped processes
 * @param forkers the forker of each, by container pids
 */
export function inheritAll(
  owners: readonly Owner[],
  forkers: ReadonlyMap<number, number>,
): readonly Owner[] {
  const byPid = new Map<number, Owner>(owners.map((owner) => [owner.process.nsPid, owner]));
  return owners.map((heir) => {
    const forker = byPid.get(forkers.get(heir.process.nsPid) ?? 0);
    return forker && mayShare(heir, forker) ? inherit(heir, forker) : heir;
  });
}

/** Who has called execve(2) since has the vDSO elsewhere, as a rule, and shares nothing. */
function mayShare(heir: Owner, forker: Owner): boolean {
  const [ours, theirs] = [heir, forker].map(({ areas }) => {
    return areas.find(({ kind }) => kind === 'vdso')?.vma.start;
  });
  return ours === theirs;
}

function inherit(heir: Owner, forker: Owner): Owner {
  const bases = forker.areas.filter(mayPassOn);
  const ours = new PageEntries(heir.process.pid);
  const theirs = new PageEntries(forker.process.pid);
  let next = 0;
  try {
    const areas = heir.areas.map((area) => {
      while ((bases[next]?.vma.end ?? area.vma.end) <= area.vma.start) next++;
      const base = bases[next];
      if (!base || !mayPassOn(area) || !isPartOf(area, base)) return area;
      return inheritArea(area, base, (run) => differing(run, ours, theirs));
    });
    return { ...heir, areas };
  } finally {
    ours.close();
    theirs.close();
  }
}

/** Differences are written over what is inherited. */
function mayPassOn({ kind, vma, runs }: FoundArea): boolean {
  return kind === 'anonymous' && vma.read && vma.write && runs.length > 0;
}

function isPartOf({ vma }: FoundArea, base: FoundArea): boolean {
  const isWithin = base.vma.start <= vma.start && vma.end <= base.vma.end;
  const isLike = EARLY_FLAGS.every((flag) => vma.vmFlags.has(flag) === base.vma.vmFlags.has(flag));
  return isWithin && isLike && vma.exec === base.vma.exec;
}

/** Where less than half would be inherited it is stored: what differs has to be copied at every restore. */
function inheritArea(
  area: FoundArea,
  base: FoundArea,
  differencesIn: (run: PageRun) => readonly PageRun[],
): FoundArea {
  const runs = area.runs.flatMap(differencesIn);
  if (totalBytes(runs) * 2n > totalBytes(area.runs)) return area;
  const { start, end } = area.vma;
  const around = [
    { start: base.vma.start, length: start - base.vma.start },
    { start: end, length: base.vma.end - end },
  ];
  return { ...area, runs, holes: without(without(base.runs, around), area.runs) };
}

/** Pages of a run that are not the forker's. */
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

/** Whether two entries name the same frame; number 0 is what is shown to who may not know it. */
function isSame(one: Uint32Array, other: Uint32Array, word: number): boolean {
  const [lower = 0, upper = 0] = [one[word], one[word + 1]];
  const isKnown = lower !== 0 || (upper & 0x7fffff) !== 0;
  return isKnown && lower === other[word] && ((upper ^ (other[word + 1] ?? 0)) & UPPER) === 0;
}
