// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../common/errors.js';
import { MAP_NORESERVE } from '../../native/abi/index.js';
import { VMA_STATUS } from '../image/constants.js';
import type { MmEntry, VmaEntry } from '../image/types.js';
import type { Range } from './ranges.js';

/** Shared anonymous memory: its content in the park, and behind that room for the memory itself. */
export interface SharedMemory {
  readonly at: bigint;
  readonly size: bigint;
  /** Where its mappings end at the furthest, if not at its own end. */
  readonly reach: bigint;
  readonly stash: bigint;
  readonly runs: readonly Run[];
  /** MAP_NORESERVE or 0. */
  readonly reserve: number;
}

/** All shared anonymous memory of an image, by its id. Throws ShimError `dataLoss` for some without a place. */
export function collectShared(mms: Iterable<MmEntry>): Map<bigint, SharedMemory> {
  const entries = [...mms].flatMap(({ vmas }) =>
    vmas.filter((one) => is(one, VMA_STATUS.anonShared)),
  );
  const ends = new Map<bigint, bigint>();
  for (const { shmid, start, end, pgoff } of entries) {
    const reach = pgoff + (end - start);
    if (reach > (ends.get(shmid) ?? 0n)) ends.set(shmid, reach);
  }
  const found = new Map<bigint, SharedMemory>();
  for (const { shmid, mvas_park: stash, mvas_size, mvas_runs, flags } of entries) {
    if (found.has(shmid) && mvas_size === undefined) continue;
    const end = ends.get(shmid) ?? 0n;
    const size = mvas_size ?? end;
    const reach = size > end ? size : end;
    found.set(shmid, {
      at: (stash ?? badImage('shared memory without a place')) + reach,
      size,
      reach,
      stash: stash ?? 0n,
      runs: pairs(mvas_runs),
      reserve: flags & MAP_NORESERVE,
    });
  }
  return found;
}

/** What a process takes of the park. */
export function parkedRanges(pid: number, mm: MmEntry): Range[] {
  return mm.vmas
    .filter((vma) => vma.mvas_park !== undefined && !is(vma, VMA_STATUS.anonShared))
    .filter((vma) => pid !== 1 || vma.mvas_park !== vma.start)
    .map((vma) => {
      const start = vma.mvas_park ?? 0n;
      return { start, end: start + (vma.end - vma.start) };
    });
}

/** Whether an area has one of these bits of `VMA_STATUS`. */
export function is(vma: VmaEntry, status: number): boolean {
  return (vma.status & status) !== 0;
}

/** Whether it is private anonymous memory, and not the kernel's own. */
export function isOrdinary(vma: VmaEntry): boolean {
  const special = VMA_STATUS.vdso | VMA_STATUS.vvar | VMA_STATUS.vsyscall;
  return is(vma, VMA_STATUS.anonPrivate) && !is(vma, special);
}

/** Pages with content. */
export type Run = readonly [page: bigint, count: bigint];

/** Runs of pages as an image has them. */
export function pairs(words: readonly bigint[]): Run[] {
  const result: Run[] = [];
  for (let i = 0; i + 1 < words.length; i += 2) result.push([words[i] ?? 0n, words[i + 1] ?? 0n]);
  return result;
}

/** `0x7f…-0x7f…` for messages. */
export function describe(vma: VmaEntry): string {
  return `0x${vma.start.toString(16)}-0x${vma.end.toString(16)}`;
}
