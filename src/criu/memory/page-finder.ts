// SPDX-License-Identifier: Apache-2.0
import { closeSync, openSync, readSync } from 'node:fs';
import { PAGE } from '../../native/abi/index.js';
import { syscall, addressOf } from '../../native/index.js';
import { PAGE_IS_GUARD, PAGEMAP_SCAN, pageScan } from '../../native/kernel-facts.js';
import { check, SYS } from '../../native/sys.js';
import type { TracedProcess } from '../tracee/tracee.js';
import type { Area } from './area.js';
import type { SmapsVma } from '../procfs/smaps.js';
import { appendRun, type PageRun } from './page-runs.js';

/** An area with what is stored of it. */
export interface FoundArea extends Area {
  /**
   * Stored pages: of anonymous memory what is present or swapped, but not the zero page; of a private
   * file mapping what has been written to. Memory that a fork wipes starts empty, and nothing of it is stored.
   */
  readonly runs: readonly PageRun[];
  /** Pages that must not be touched (madvise(2), MADV_GUARD_INSTALL; told apart since Linux 6.15). */
  readonly guards: readonly PageRun[];
  /**
   * Set where the process begins with what its forker has here, see inheritance.ts: pages of the forker that
   * it has not. `runs` then are those that differ.
   */
  readonly holes?: readonly PageRun[] | undefined;
}

/** Contiguous pages of one kind, whatever areas they are in. */
export interface Region {
  readonly start: bigint;
  readonly end: bigint;
  readonly isGuard: boolean;
}

const CATEGORY = { file: 4n, present: 8n, swapped: 16n, zero: 32n, guard: PAGE_IS_GUARD } as const;
/** Pages of files are never stored, and the zero page is nothing. */
const EXCLUDED = CATEGORY.file | CATEGORY.zero;
const REGION_WORDS = 3;
/** Bytes of an area that is worth a look before all of its pages are. */
const LARGE = 1n << 30n;
const REGIONS = 16384;
/** What one scan tells, for all scans: they are taken one after the other. */
const words = new BigUint64Array(REGIONS * REGION_WORDS);

/** Bits of a /proc/PID/pagemap entry (kernel admin-guide/mm/pagemap.rst). */
const PRESENT = 1n << 63n;
const SWAPPED = 1n << 62n;
const FILE = 1n << 61n;
/** A guard; it counts as swapped as well. */
const GUARD = 1n << 58n;

/**
 * Finds what is stored of the areas of a process, in order of address. The process should stand still.
 * The whole address space is scanned at once (PAGEMAP_SCAN) where the kernel can do that.
 */
export function findPages(process: TracedProcess, areas: readonly Area[]): FoundArea[] {
  const fd = openSync(`/proc/${String(process.pid)}/pagemap`, 'r');
  try {
    return distribute(areas, scanAll(process, fd, areas) ?? readAll(fd, areas));
  } finally {
    closeSync(fd);
  }
}

/** Gives each area its part of the regions. Both are in order of address. */
export function distribute(areas: readonly Area[], regions: readonly Region[]): FoundArea[] {
  let next = 0;
  return areas.map((area) => {
    const { start, end } = area.vma;
    const stores = storesPages(area);
    const runs: PageRun[] = [];
    const guards: PageRun[] = [];
    while ((regions[next]?.end ?? end) <= start) next++;
    for (let at = next; ; at++) {
      const region = regions[at];
      if (!region || region.start >= end) break;
      const first = region.start > start ? region.start : start;
      const last = region.end < end ? region.end : end;
      if (region.isGuard) appendRun(guards, first, last);
      else if (stores) appendRun(runs, first, last);
    }
    return { vma: area.vma, kind: area.kind, runs, guards };
  });
}

function storesPages({ vma, kind }: Area): boolean {
  return (kind === 'anonymous' && !vma.vmFlags.has('wf')) || kind === 'file-private';
}

/** Scans whatever lies between the first and the last area; undefined before Linux 6.7. */
function scanAll(process: TracedProcess, fd: number, areas: readonly Area[]): Region[] | undefined {
  const able = pageScan();
  if (able === 'none' || globalThis.process.env['MVAS_NO_PAGEMAP_SCAN'] !== undefined) {
    return undefined;
  }
  const users = areas.filter(({ kind }) => kind !== 'vsyscall');
  const start = users[0]?.vma.start ?? 0n;
  const end = users.at(-1)?.vma.end ?? 0n;
  const guard = able === 'guards' ? CATEGORY.guard : 0n;
  return scan(process, fd, { start, end, guard });
}

function scan(
  process: TracedProcess,
  fd: number,
  { start, end, guard }: { readonly start: bigint; readonly end: bigint; readonly guard: bigint },
): Region[] {
  const some = CATEGORY.present | CATEGORY.swapped;
  const found: Region[] = [];
  for (let from = start; from < end;) {
    const argument = BigUint64Array.of(
      96n, 0n, from, end, 0n, addressOf(new Uint8Array(words.buffer)), BigInt(REGIONS), 0n,
      EXCLUDED, EXCLUDED, some, guard,
    ); // prettier-ignore
    const count = syscall(SYS.ioctl, fd, PAGEMAP_SCAN, argument);
    check(`scan the pages of ${process.label}`, count);
    for (let at = 0; at < count * REGION_WORDS; at += REGION_WORDS) {
      const [first, last, categories] = [words[at], words[at + 1], words[at + 2]];
      found.push({ start: first ?? 0n, end: last ?? 0n, isGuard: categories !== 0n });
    }
    if (count < REGIONS) break;
    from = argument[4] ?? end;
  }
  return found;
}

/** Reads about every page, area by area. */
function readAll(fd: number, areas: readonly Area[]): Region[] {
  return areas
    .filter(({ vma, kind }) => kind !== 'vsyscall' && !isEmptyReservation(vma))
    .flatMap(({ vma }) => readArea(fd, vma));
}

/** Whether nothing is stored of much: what is reserved may be terabytes. */
function isEmptyReservation({ start, end, rss, swap }: SmapsVma): boolean {
  return rss + swap === 0 && end - start > LARGE;
}

function readArea(fd: number, { start, end }: SmapsVma): Region[] {
  const found: Region[] = [];
  const buffer = Buffer.alloc(65536);
  for (let at = start; at < end;) {
    const pages = Math.min(Number((end - at) / PAGE), buffer.length / 8);
    const got = readSync(fd, buffer, 0, pages * 8, Number(at / PAGE) * 8);
    if (got === 0) break;
    for (let i = 0; i * 8 < got; i++) {
      const entry = buffer.readBigUInt64LE(i * 8);
      const isGuard = (entry & GUARD) !== 0n;
      const isStored = (entry & (PRESENT | SWAPPED)) !== 0n && (entry & FILE) === 0n;
      if (!isGuard && !isStored) continue;
      const page = at + BigInt(i) * PAGE;
      found.push({ start: page, end: page + PAGE, isGuard });
    }
    at += BigInt(got / 8) * PAGE;
  }
  return found;
}
