// SPDX-License-Identifier: Apache-2.0
import {
  MADV_DONTDUMP,
  MADV_DONTFORK,
  MADV_HUGEPAGE,
  MADV_MERGEABLE,
  MADV_NOHUGEPAGE,
  MADV_RANDOM,
  MADV_SEQUENTIAL,
  MADV_WIPEONFORK,
  MAP_ANONYMOUS,
  MAP_DROPPABLE,
  MAP_FIXED_NOREPLACE,
  MAP_GROWSDOWN,
  MAP_NORESERVE,
  MAP_POPULATE,
  MAP_PRIVATE,
  MLOCK_ONFAULT,
  MREMAP_MOVE_FIXED,
  SYS,
} from '../../native/abi/index.js';
import type { Sequence } from '../plan/sequence.js';
import { isAdvised, rangeOf, type MappedArea } from './memory-map.js';
import { firstProtection } from './protection-keys.js';
import type { PageRun } from './page-runs.js';

/** MAP_* flags of memory that is created anew: private or droppable, anonymous, growing down, no reserve. */
const REMADE = MAP_PRIVATE | MAP_DROPPABLE | MAP_ANONYMOUS | MAP_GROWSDOWN | MAP_NORESERVE;
/** Advice given while the holder is filled, or when memory is created anew. */
const EARLY_ADVICE = [MADV_HUGEPAGE, MADV_NOHUGEPAGE];
/** Advice given at the very end, in this order. */
const LATE_ADVICE = [
  MADV_RANDOM,
  MADV_SEQUENTIAL,
  MADV_DONTFORK,
  MADV_MERGEABLE,
  MADV_DONTDUMP,
  MADV_WIPEONFORK,
];

/** Copies pages of an area from one of its places to another. */
export function layPages(
  area: MappedArea,
  {
    from,
    to,
    runs,
  }: { readonly from: bigint; readonly to: bigint; readonly runs: readonly PageRun[] },
  sequence: Sequence,
): void {
  for (const { start, length } of runs) {
    const offset = start - area.start;
    sequence.copy(() => `lay pages over ${rangeOf(area)}`, to + offset, from + offset, length);
  }
}

/** Brings private anonymous memory to its place; creates it anew if nothing is stored. */
export function placePrivate(area: MappedArea, sequence: Sequence): void {
  const { start, end, place } = area;
  const length = end - start;
  if (place === undefined) {
    const flags = MAP_FIXED_NOREPLACE | (area.flags & REMADE);
    const made = [start, length, firstProtection(area.prot), flags, -1, 0];
    sequence.syscall(() => `make ${rangeOf(area)}`, SYS.mmap, made, { expect: start });
    for (const advice of EARLY_ADVICE) adviseArea(area, advice, sequence);
    return;
  }
  const args = [place, length, length, MREMAP_MOVE_FIXED, start];
  sequence.syscall(() => `move ${rangeOf(area)}`, SYS.mremap, args, { expect: start });
}

/**
 * First without its pages, which shows whether it may be locked. Locking memory that cannot be touched fails, but
 * takes effect.
 */
export function lock(area: MappedArea, sequence: Sequence): void {
  const length = area.end - area.start;
  const what = () => `lock ${rangeOf(area)}`;
  sequence.syscall(what, SYS.mlock2, [area.start, length, MLOCK_ONFAULT]);
  if (!(area.flags & MAP_POPULATE)) return;
  sequence.syscall(what, SYS.mlock2, [area.start, length, 0], { tolerate: true });
}

function adviseArea(area: MappedArea, advice: number, sequence: Sequence): void {
  if (!isAdvised(area, advice)) return;
  const what = () => `advise ${String(advice)} ${rangeOf(area)}`;
  sequence.syscall(what, SYS.madvise, [area.start, area.end - area.start, advice]);
}

export function protect(area: MappedArea, current: number, sequence: Sequence): void {
  const bits = firstProtection(area.prot);
  if (bits === current) return;
  const args = [area.start, area.end - area.start, bits];
  sequence.syscall(() => `protect ${rangeOf(area)}`, SYS.mprotect, args);
}

/** Gives the advice that would have been in the way before. */
export function adviseLate(area: MappedArea, sequence: Sequence): void {
  if (area.advice === 0) return;
  for (const advice of LATE_ADVICE) adviseArea(area, advice, sequence);
}
