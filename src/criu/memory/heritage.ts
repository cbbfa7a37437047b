// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../common/errors.js';
import type { NsPid } from '../../common/ids.js';
import { MADV_DONTNEED, SYS } from '../../native/abi/index.js';
import type { Sequence } from '../plan/sequence.js';
import { rangeOf, type MappedArea } from './memory-map.js';
import type { ImageMap } from './of-image.js';
import type { Range } from './ranges.js';
import type { Stashes } from './stashes.js';

/*
 * Memory that a process begins with as its forker has it, at the same addresses. The fork takes it along once the
 * forker has its own memory; the child then unmaps what it does not have, and overwrites what differs (stashes.ts).
 */

/** What a process inherits from its forker; adjoining ranges are merged. */
export function heritageOf({ unfinished }: Pick<ImageMap, 'unfinished'>): Range[] {
  const ranges: Range[] = [];
  for (const { start, end, holes } of unfinished) {
    if (!holes) continue;
    const last = ranges.at(-1);
    if (last?.end === start) ranges[ranges.length - 1] = { start: last.start, end };
    else ranges.push({ start, end });
  }
  return ranges;
}

/** In a process that has just been forked: turns inherited memory into its own. */
export function planHeritage(
  area: MappedArea,
  stashes: Pick<Stashes, 'planRead'>,
  sequence: Sequence,
): void {
  for (const hole of area.holes ?? []) {
    const args = [hole.start, hole.length, MADV_DONTNEED];
    sequence.syscall(() => `drop pages of ${rangeOf(area)}`, SYS.madvise, args);
  }
  stashes.planRead(area, sequence);
}

/**
 * Checks that processes inherit only what their forkers have: a part of one mapping of the same kind.
 *
 * @throws ShimError `dataLoss`
 */
export function checkHeritage(
  maps: ReadonlyMap<NsPid, Pick<ImageMap, 'areas' | 'unfinished'>>,
  forkers: ReadonlyMap<NsPid, NsPid>,
): void {
  for (const [pid, { unfinished }] of maps) {
    const heirs = unfinished.filter(({ holes }) => holes !== undefined);
    if (heirs.length === 0) continue;
    const forker = forkers.get(pid);
    const bases = (forker && maps.get(forker)?.areas) ?? [];
    let next = 0;
    for (const area of heirs) {
      while ((bases[next]?.end ?? area.end) <= area.start) next++;
      const base = bases[next];
      if (base && isPartOf(area, base)) continue;
      const what = `0x${area.start.toString(16)} of pid ${String(pid)}`;
      badImage(`memory at ${what} is inherited, and its forker has none like it`);
    }
  }
}

function isPartOf(area: MappedArea, base: MappedArea): boolean {
  const isWithin = base.start <= area.start && area.end <= base.end;
  return isWithin && area.prot === base.prot && area.kind === base.kind;
}
