// SPDX-License-Identifier: Apache-2.0
import { closeSync, openSync, readSync } from 'node:fs';
import { PAGE } from '../../../native/abi/index.js';
import { pageScan } from '../../../native/kernel-facts.js';
import type { LiveProcess } from './process.js';
import { has, storesPages, TRAIT, type MappedArea, type MemoryMap } from '../memory-map.js';
import { appendRun, type PageRun } from '../page-runs.js';
import type { Range } from '../ranges.js';
import {
  CATEGORY,
  scanPages,
  scanPagesSlowly,
  type FoundPages,
  type PageScanRequest,
} from './page-scan.js';

/** Contiguous pages of one kind, in whatever areas they are. */
export interface Region extends Range {
  readonly isGuard: boolean;
  readonly isHuge?: boolean;
}

/** The pages of a process that are stored, and those that have not been written to since they were protected. */
export interface FoundMemory {
  readonly map: MemoryMap;
  /** In order, across all areas; of memory whose writes are tracked. */
  readonly clean: readonly PageRun[];
}

/**
 * Pages of files are never stored, and the zero page counts as nothing. To know a page of a file the kernel looks at every
 * page, which costs most of a scan. Memory that is tracked is anonymous.
 */
const EXCLUDED = CATEGORY.file | CATEGORY.zero;
const STORED = CATEGORY.present | CATEGORY.swapped;
const WRITES = CATEGORY.tracked | CATEGORY.written;
/** An anonymous area of this many bytes is scanned apart from files. */
const WORTH_A_SCAN = 4n << 20n;
/** Below this many bytes, all pages of an area are looked at without a look at the area first. */
const LARGE = 1n << 30n;

/** Bits of a /proc/PID/pagemap entry (kernel admin-guide/mm/pagemap.rst). */
const PRESENT = 1n << 63n;
const SWAPPED = 1n << 62n;
const FILE = 1n << 61n;
/** A guard; it counts as swapped as well. */
const GUARD = 1n << 58n;

/**
 * Finds the pages with content, and the guards, of a process, which should stand still. Scans the whole address
 * space at once (PAGEMAP_SCAN) if the kernel can do that.
 *
 * @param isTracked whether writes to the process's memory are tracked, so that it has clean pages
 */
export function findPages(process: LiveProcess, map: MemoryMap, isTracked: boolean): FoundMemory {
  const fd = openSync(`/proc/${String(process.pid)}/pagemap`, 'r');
  const clean: PageRun[] = [];
  try {
    const regions = scanAll({ fd, label: process.label, isTracked }, map.areas, clean);
    return { map: distribute(map, regions ?? readAll(fd, map.areas)), clean };
  } finally {
    closeSync(fd);
  }
}

/** What has been write-protected; in order. */
export interface ProtectedPages {
  readonly runs: readonly PageRun[];
  /**
   * Pages of these that were marked as protected before. If nobody has protected them since they are tracked, these are marks that an
   * earlier tracking has left, where a neighbour was moved (mremap(2)): writes to them would not be noticed.
   */
  readonly marked: readonly PageRun[];
}

/**
 * Write-protects the pages with content in memory whose writes are tracked, and finds them. Pages that are already
 * protected are left out unless requested.
 */
export function protectPages(
  process: LiveProcess,
  areas: readonly MappedArea[],
  which: 'all' | 'written',
): ProtectedPages {
  const found = { runs: [], marked: [] };
  const fd = openSync(`/proc/${String(process.pid)}/pagemap`, 'r');
  try {
    scanPages(fd, process.label, protecting(areas, which), collectIn(found));
    return found;
  } finally {
    closeSync(fd);
  }
}

/** The same for all pages of a process that runs, a bit at a time. */
export async function protectRunning(
  process: LiveProcess,
  areas: readonly MappedArea[],
): Promise<ProtectedPages> {
  const found = { runs: [], marked: [] };
  const fd = openSync(`/proc/${String(process.pid)}/pagemap`, 'r');
  try {
    await scanPagesSlowly(fd, process.label, protecting(areas, 'all'), collectIn(found));
    return found;
  } finally {
    closeSync(fd);
  }
}

function collectIn({ runs, marked }: { runs: PageRun[]; marked: PageRun[] }): FoundPages {
  return (start, end, categories) => {
    appendRun(runs, start, end);
    if ((categories & CATEGORY.written) === 0n) appendRun(marked, start, end);
  };
}

function protecting(areas: readonly MappedArea[], which: 'all' | 'written'): PageScanRequest {
  const guard = pageScan() === 'guards' ? CATEGORY.guard : 0n;
  const all = which === 'written' ? WRITES : CATEGORY.tracked;
  const told = CATEGORY.written;
  return { ...reachOf(areas), all, none: CATEGORY.zero | guard, any: STORED, told, protects: true };
}

/** Gives each area its part of pages with content. All are in order of address. */
export function distributeRuns(map: MemoryMap, runs: readonly PageRun[]): MemoryMap {
  const regions = runs.map(({ start, length }) => ({ start, end: start + length, isGuard: false }));
  return distribute(map, regions);
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
    const { runs, own, isHuge } = partsOf(area, regions, next);
    guards.push(...own);
    if (runs.length === 0 || !storesPages(area)) return area;
    return { ...area, runs, traits: area.traits | (isHuge ? TRAIT.hugePages : 0) };
  });
  return { ...map, areas, guards };
}

/** What of the regions from an index on lies in an area: pages with content, and guards. */
function partsOf(area: MappedArea, regions: readonly Region[], from: number) {
  const [runs, own]: [PageRun[], PageRun[]] = [[], []];
  let isHuge = false;
  for (let at = from, region = regions[at]; region && region.start < area.end;) {
    appendPart(region.isGuard ? own : runs, region, area);
    isHuge ||= region.isHuge ?? false;
    region = regions[++at];
  }
  return { runs, own, isHuge };
}

function appendPart(runs: PageRun[], region: Range, { start, end }: Range): void {
  const first = region.start > start ? region.start : start;
  appendRun(runs, first, region.end < end ? region.end : end);
}

/** Bytes that a process has written to since they were protected; 0 if it has ended. */
export function countWritten(process: LiveProcess, areas: readonly MappedArea[]): bigint {
  const request = { ...reachOf(areas), all: WRITES, none: CATEGORY.zero, any: STORED };
  let sum = 0n;
  try {
    const fd = openSync(`/proc/${String(process.pid)}/pagemap`, 'r');
    try {
      scanPages(fd, process.label, request, (start, end) => (sum += end - start));
    } finally {
      closeSync(fd);
    }
  } catch {
    // It has ended.
  }
  return sum;
}

interface Scanned {
  /** /proc/PID/pagemap */
  readonly fd: number;
  readonly label: string;
  readonly isTracked: boolean;
}

/** Scans everything between the first and the last area; undefined before Linux 6.7. Adds to `clean`. */
function scanAll(
  { fd, label, isTracked }: Scanned,
  areas: readonly MappedArea[],
  clean: PageRun[],
): Region[] | undefined {
  const able = pageScan();
  if (able === 'none' || process.env['MVAS_NO_PAGEMAP_SCAN'] !== undefined) return undefined;
  const guard = able === 'guards' ? CATEGORY.guard : 0n;
  const found: Region[] = [];
  const scan = (request: Omit<PageScanRequest, 'any'>) => {
    scanPages(fd, label, { ...request, any: STORED }, (start, end, categories) => {
      const isHuge = (categories & CATEGORY.huge) !== 0n;
      found.push({ start, end, isGuard: (categories & CATEGORY.guard) !== 0n, isHuge });
      if ((categories & WRITES) === CATEGORY.tracked) appendRun(clean, start, end);
    });
  };
  if (isTracked) {
    const told = guard | WRITES | CATEGORY.huge;
    scan({ ...reachOf(areas), all: CATEGORY.tracked, none: CATEGORY.zero, told });
  }
  const tracked = isTracked ? CATEGORY.tracked : 0n;
  for (const { excluded, ...range } of stretchesOf(areas)) {
    scan({ ...range, none: excluded | tracked, told: guard | CATEGORY.huge });
  }
  if (isTracked) found.sort((one, other) => (one.start < other.start ? -1 : 1));
  return found;
}

/** A part of the address space, and which pages in it are not stored. */
interface Stretch extends Range {
  readonly excluded: bigint;
}

/** Everything from the first to the last area, in order. Large anonymous areas, where files have no pages, are apart. */
function stretchesOf(areas: readonly MappedArea[]): Stretch[] {
  const { start, end } = reachOf(areas);
  const found: Stretch[] = [];
  const upTo = (to: bigint) => {
    const from = found.at(-1)?.end ?? start;
    if (from < to) found.push({ start: from, end: to, excluded: EXCLUDED });
  };
  for (const area of areas) {
    if (area.kind !== 'anonymous' || area.end - area.start < WORTH_A_SCAN) continue;
    upTo(area.start);
    found.push({ start: area.start, end: area.end, excluded: CATEGORY.zero });
  }
  upTo(end);
  return found;
}

function reachOf(areas: readonly MappedArea[]): Range {
  const users = areas.filter(({ kind }) => kind !== 'vsyscall');
  return { start: users[0]?.start ?? 0n, end: users.at(-1)?.end ?? 0n };
}

/** Reads the entry of every page, area by area. */
function readAll(fd: number, areas: readonly MappedArea[]): Region[] {
  return areas
    .filter((area) => area.kind !== 'vsyscall' && !isEmptyReservation(area))
    .flatMap((area) => readArea(fd, area));
}

/** Whether a large area has nothing stored: what is reserved may be terabytes. */
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
