// SPDX-License-Identifier: Apache-2.0
import { closeSync, openSync, readdirSync } from 'node:fs';
import { syscall } from '../../native/index.js';
import { SYS } from '../../native/sys.js';
import { VMA_STATUS } from '../image/constants.js';
import type { VmaEntry } from '../image/types.js';
import { readSmaps } from '../procfs/reader.js';
import type { SmapsVma } from '../procfs/smaps.js';
import type { TracedProcess } from '../tracee/tracee.js';
import { areaStatus, classifyArea, protection, type Area } from './area.js';
import { Park, type Range } from './layout.js';
import { PageFinder } from './page-finder.js';
import { totalBytes, type PageRun } from './page-runs.js';

const SEEK_DATA = 3;
const SEEK_HOLE = 4;
const MAP_SHARED = 1;
const MAP_PRIVATE = 2;
const MAP_ANONYMOUS = 0x20;
const MAP_GROWSDOWN = 0x100;
const MAP_LOCKED = 0x2000;
const MAP_NORESERVE = 0x4000;
const FLAGS = [
  ['gd', MAP_GROWSDOWN],
  ['nr', MAP_NORESERVE],
  ['lo', MAP_LOCKED],
] as const;
const PAGE = 4096n;

/** VMA flags that madvise(2) sets, by its advice (asm-generic/mman-common.h). */
export const ADVICE: readonly (readonly [flag: string, advice: number])[] = [
  ['rr', 1],
  ['sr', 2],
  ['dc', 10],
  ['mg', 12],
  ['hg', 14],
  ['nh', 15],
  ['dd', 16],
  ['wf', 18],
];

/** An area with its stored pages, and where they lie in the VAS. */
export interface StoredArea extends Area {
  /** In the process. */
  readonly runs: readonly PageRun[];
  /** In the process: pages that must not be touched, set by madvise(2). */
  readonly guards: readonly PageRun[];
  /** Address in the VAS of the area's first byte; undefined when nothing of it is stored there. */
  readonly place: bigint | undefined;
}

/** Shared anonymous memory that one or several processes map. */
export interface SharedObject {
  readonly id: bigint;
  readonly size: bigint;
  /** Its content lies here; behind that is room of the same size, for the memory made at restore. */
  readonly place: bigint;
  /** A /proc/PID/map_files link that leads to it. */
  readonly link: string;
  /** Where it has content; offsets into it. */
  readonly runs: readonly PageRun[];
}

/** The memory of one process, judged and placed. */
export interface ProcessMemory {
  readonly process: TracedProcess;
  readonly areas: readonly StoredArea[];
  /** What it takes of the park: empty for the init's own memory but its stash. */
  readonly parked: Range;
}

/** Areas of a process, judged. @throws ShimError `failedPrecondition` */
export function readAreas(process: TracedProcess): Area[] {
  return readSmaps(process.pid).map((vma) => classifyArea(process.label, vma));
}

/** Finds the stored pages of a process and places them. The init's anonymous memory stays in place. */
export function placeMemory(
  process: TracedProcess,
  areas: readonly Area[],
  park: Park,
): ProcessMemory {
  const finder = new PageFinder(process);
  const isInit = process.nsPid === 1;
  const start = park.end;
  try {
    const stored = areas.map((area): StoredArea => {
      const { vma, kind } = area;
      const guards = mayHaveGuards(area) ? finder.find(vma.start, vma.end, 'guards') : [];
      if (kind === 'anonymous') {
        const runs = vma.vmFlags.has('wf') ? [] : finder.find(vma.start, vma.end, 'anonymous');
        return { ...area, runs, guards, place: isInit ? vma.start : park.place(vma) };
      }
      if (kind !== 'file-private') return { ...area, runs: [], guards, place: undefined };
      const runs = finder.find(vma.start, vma.end, 'private-file');
      return { ...area, runs, guards, place: runs.length > 0 ? park.place(vma) : undefined };
    });
    return { process, areas: stored, parked: { start, end: park.end } };
  } finally {
    finder.close();
  }
}

function mayHaveGuards({ kind }: Area): boolean {
  return kind !== 'vdso' && kind !== 'vvar' && kind !== 'vsyscall';
}

/** The shared anonymous objects that processes map, placed. */
export function placeShared(
  all: readonly { readonly process: TracedProcess; readonly areas: readonly Area[] }[],
  park: Park,
): SharedObject[] {
  const found = new Map<bigint, { size: bigint; link: string }>();
  for (const { process, areas } of all) {
    for (const { vma, kind } of areas) {
      if (kind !== 'anonymous-shared') continue;
      const size = vma.offset + (vma.end - vma.start);
      const before = found.get(vma.inode);
      const link = mapFilesLink(process.pid, vma);
      if (!before || before.size < size) found.set(vma.inode, { size, link });
    }
  }
  return [...found].map(([id, { size, link }]) => ({
    id,
    size,
    link,
    place: park.place({ start: 0n, end: 2n * size }),
    runs: dataRuns(link, size),
  }));
}

/** Where a sparse file has data (lseek(2)). */
function dataRuns(path: string, size: bigint): PageRun[] {
  const fd = openSync(path, 'r');
  try {
    const runs: PageRun[] = [];
    for (let at = 0n; at < size;) {
      const data = BigInt(syscall(SYS.lseek, fd, at, SEEK_DATA));
      if (data < 0n || data >= size) break;
      const hole = BigInt(syscall(SYS.lseek, fd, data, SEEK_HOLE));
      const end = hole < 0n || hole > size ? size : hole;
      runs.push({ start: data, length: end - data });
      at = end;
    }
    return runs;
  } finally {
    closeSync(fd);
  }
}

function mapFilesLink(pid: number, vma: SmapsVma): string {
  const wanted = `${vma.start.toString(16)}-${vma.end.toString(16)}`;
  const directory = `/proc/${String(pid)}/map_files`;
  // The kernel writes these names without leading zeros, as we do; listing proves it is there.
  return `${directory}/${readdirSync(directory).find((name) => name === wanted) ?? wanted}`;
}

/** What an area maps: the id of its file (with the flags it was opened with), or a shared object. */
export interface AreaTarget {
  readonly fileId?: number;
  readonly fileFlags?: number;
  readonly shared?: SharedObject | undefined;
}

/** The image's entry of an area. */
export function vmaEntry(area: StoredArea, target: AreaTarget): VmaEntry {
  const { vma, kind } = area;
  const place = target.shared?.place ?? area.place;
  const runs =
    target.shared?.runs ?? (kind === 'file-private' ? relative(area.runs, vma.start) : []);
  const madv = ADVICE.reduce(
    (bits, [flag, advice]) => (vma.vmFlags.has(flag) ? bits | (1n << BigInt(advice)) : bits),
    0n,
  );
  return {
    start: vma.start,
    end: vma.end,
    pgoff: vma.offset,
    shmid: target.shared?.id ?? BigInt(target.fileId ?? 0),
    prot: protection(vma),
    flags: mapFlags(area),
    status: areaStatus(area),
    fd: -1n,
    madv: madv === 0n ? undefined : madv,
    fdflags: target.fileFlags,
    mvas_park: place,
    mvas_name: vma.anonName,
    mvas_runs: runs.flatMap((run) => [run.start / PAGE, run.length / PAGE]),
  };
}

/** The image's entries of the guards in an area. */
export function guardEntries({ guards }: StoredArea): VmaEntry[] {
  return guards.map(({ start, length }) => ({
    start,
    end: start + length,
    pgoff: 0n,
    shmid: 0n,
    prot: 0,
    flags: 0,
    status: VMA_STATUS.guard,
    fd: -1n,
    mvas_runs: [],
  }));
}

/** MAP_* flags that an area was mapped with, as far as they show. */
function mapFlags({ vma, kind }: StoredArea): number {
  const isAnonymous = kind !== 'file-private' && kind !== 'file-shared';
  return FLAGS.reduce<number>(
    (bits, [flag, value]) => (vma.vmFlags.has(flag) ? bits | value : bits),
    (vma.shared ? MAP_SHARED : MAP_PRIVATE) | (isAnonymous ? MAP_ANONYMOUS : 0),
  );
}

function relative(runs: readonly PageRun[], start: bigint): PageRun[] {
  return runs.map((run) => ({ start: run.start - start, length: run.length }));
}

/** Bytes that are stored of processes and of what they share. */
export function storedBytes(
  memories: readonly ProcessMemory[],
  shared: readonly SharedObject[],
): bigint {
  const stored = [...memories.flatMap(({ areas }) => areas), ...shared];
  return stored.reduce((sum, { runs }) => sum + totalBytes(runs), 0n);
}
