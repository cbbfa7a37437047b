// SPDX-License-Identifier: Apache-2.0
import { closeSync, openSync, readSync } from 'node:fs';
import { PAGE } from '../../../native/abi/index.js';
import { syscall, addressOf } from '../../../native/index.js';
import { PAGE_IS_GUARD, PAGEMAP_SCAN, pageScan } from '../../../native/kernel-facts.js';
import { check, SYS } from '../../../native/sys.js';
import type { LiveProcess } from './process.js';
import { has, storesPages, type MappedArea, type MemoryMap } from '../memory-map.js';
import { appendRun, type PageRun } from '../page-runs.js';
import type { Range } from '../ranges.js';

/** Contiguous pages of one kind, whatever areas they are in. */
export interface Region extends Range {
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
 * Finds the pages with content, and the guards, of a process that should stand still. The whole address space
 * is scanned at once (PAGEMAP_SCAN) where the kernel can do that.
 */
export function findPages(process: LiveProcess, map: MemoryMap): MemoryMap {
  const fd = openSync(`/proc/${String(process.pid)}/pagemap`, 'r');
  try {
    return distribute(map, scanAll(process, fd, map.areas) ?? readAll(fd, map.areas));
  } finally {
    closeSync(fd);
  }
}

/** Gives each area its part of the regions. Both are in order of address. */
export function distribute(map: MemoryMap, regions: readonly Region[]): MemoryMap {
  const guards: PageRun[] = [];
  let next = 0;
  const areas = map.areas.map((area) => {
    const { start, end } = area;
    while ((regions[next]?.end ?? end) <= start) next++;
    const first = regions[next];
    if (!first || first.start >= end) return area;
    const [runs, own]: [PageRun[], PageRun[]] = [[], []];
    for (let at = next, region: Region | undefined = first; region && region.start < end;) {
      appendPart(region.isGuard ? own : runs, region, area);
      region = regions[++at];
    }
    guards.push(...own);
    return runs.length > 0 && storesPages(area) ? { ...area, runs } : area;
  });
  return { ...map, areas, guards };
}

function appendPart(runs: PageRun[], region: Range, { start, end }: Range): void {
  const first = region.start > start ? region.start : start;
  appendRun(runs, first, region.end < end ? region.end : end);
}

/** Scans whatever lies between the first and the last area; undefined before Linux 6.7. */
function scanAll(
  process: LiveProcess,
  fd: number,
  areas: readonly MappedArea[],
): Region[] | undefined {
  const able = pageScan();
  if (able === 'none' || globalThis.process.env['MVAS_NO_PAGEMAP_SCAN'] !== undefined) {
    return undefined;
  }
  const users = areas.filter(({ kind }) => kind !== 'vsyscall');
  const start = users[0]?.start ?? 0n;
  const end = users.at(-1)?.end ?? 0n;
  const guard = able === 'guards' ? CATEGORY.guard : 0n;
  return scan(process, fd, { start, end, guard });
}

function scan(
  process: LiveProcess,
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
function readAll(fd: number, areas: readonly MappedArea[]): Region[] {
  return areas
    .filter((area) => area.kind !== 'vsyscall' && !isEmptyReservation(area))
    .flatMap((area) => readArea(fd, area));
}

/** Whether nothing is stored of much: what is reserved may be terabytes. */
function isEmptyReservation(area: MappedArea): boolean {
  return has(area, 'untouched') && area.end - area.start > LARGE;
}

function readArea(fd: number, { start, end }: Range): Region[] {
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
