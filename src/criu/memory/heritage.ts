// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../common/errors.js';
import { MADV_DONTNEED, PAGE, SYS } from '../../native/abi/index.js';
import { VMA_STATUS } from '../image/constants.js';
import type { MmEntry, VmaEntry } from '../image/types.js';
import type { Sequence } from '../plan/builder.js';
import type { Range } from './ranges.js';

/*
 * Memory that a process begins with as its forker has it, at the same addresses. The fork takes it along
 * once the forker has its own; the child then drops what it has not, and writes over what differs.
 */

/** What a process takes along from its forker; ranges that meet are one. */
export function heritageOf({ vmas }: MmEntry): Range[] {
  const ranges: Range[] = [];
  for (const { start, end, mvas_heritage: heritage } of vmas) {
    if (!heritage) continue;
    const last = ranges.at(-1);
    if (last?.end === start) ranges[ranges.length - 1] = { start: last.start, end };
    else ranges.push({ start, end });
  }
  return ranges;
}

/** In a process that has just been forked: inherited memory becomes its own. */
export function planHeritage(vma: VmaEntry, sequence: Sequence): void {
  const { start, end, mvas_park: park, mvas_runs: runs, mvas_heritage: heritage } = vma;
  const what = `0x${start.toString(16)}-0x${end.toString(16)}`;
  for (const [offset, length] of offsets(heritage?.holes ?? [])) {
    const args = [start + offset, length, MADV_DONTNEED];
    sequence.syscall(`drop pages of ${what}`, SYS.madvise, args);
  }
  if (park === undefined) return;
  for (const [offset, length] of offsets(runs)) {
    sequence.copy(`lay pages over ${what}`, start + offset, park + offset, length);
  }
  sequence.syscall('drop the stash', SYS.munmap, [park, end - start]);
}

/**
 * Checks that processes inherit what their forkers have: part of one mapping of the same kind.
 *
 * @throws ShimError `dataLoss`
 */
export function checkHeritage(
  mms: ReadonlyMap<number, MmEntry>,
  forkers: ReadonlyMap<number, number>,
): void {
  for (const [pid, { vmas }] of mms) {
    const bases = mms.get(forkers.get(pid) ?? 0)?.vmas ?? [];
    let next = 0;
    for (const vma of vmas.filter(({ mvas_heritage: heritage }) => heritage)) {
      while ((bases[next]?.end ?? vma.end) <= vma.start) next++;
      const base = bases[next];
      if (base && isPartOf(vma, base)) continue;
      const what = `0x${vma.start.toString(16)} of pid ${String(pid)}`;
      badImage(`memory at ${what} is inherited, and its forker has none like it`);
    }
  }
}

function isPartOf(vma: VmaEntry, base: VmaEntry): boolean {
  const isWithin = base.start <= vma.start && vma.end <= base.end;
  const differing = (vma.status ^ base.status) & ~(VMA_STATUS.heap | VMA_STATUS.stack);
  return isWithin && vma.prot === base.prot && differing === 0;
}

/** Offset and length in bytes, of pairs of first page and page count. */
function offsets(words: readonly bigint[]): (readonly [offset: bigint, length: bigint])[] {
  const result: (readonly [bigint, bigint])[] = [];
  for (let i = 0; i + 1 < words.length; i += 2) {
    result.push([(words[i] ?? 0n) * PAGE, (words[i + 1] ?? 0n) * PAGE]);
  }
  return result;
}
