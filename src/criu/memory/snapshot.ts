// SPDX-License-Identifier: Apache-2.0
import {
  MAP_ANONYMOUS,
  MAP_DROPPABLE,
  MAP_GROWSDOWN,
  MAP_LOCKED,
  MAP_NORESERVE,
  MAP_POPULATE,
  MAP_PRIVATE,
  MAP_SHARED,
  PAGE,
} from '../../native/abi/index.js';
import { VMA_STATUS } from '../image/constants.js';
import type { VmaEntry } from '../image/types.js';
import { readSmaps } from '../procfs/reader.js';
import type { SmapsVma } from '../procfs/smaps.js';
import type { TracedProcess } from '../tracee/tracee.js';
import { areaStatus, classifyArea, protection, type Area } from './area.js';
import type { FoundArea } from './page-finder.js';
import { totalBytes, type PageRun } from './page-runs.js';

const FLAGS = [
  ['gd', MAP_GROWSDOWN],
  ['nr', MAP_NORESERVE],
  ['lo', MAP_LOCKED],
] as const;

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
export interface StoredArea extends FoundArea {
  /** Address in the VAS of the area's first byte; undefined when nothing of it is there. */
  readonly place: bigint | undefined;
}

/** Shared anonymous memory that one or several processes map, or parts of it. */
export interface SharedObject {
  readonly id: bigint;
  /** Bytes of the object; mappings may reach beyond its end, or not as far. */
  readonly size: bigint;
  /** Where its mappings end at the furthest, and at least its size. */
  readonly reach: bigint;
  /** Its content lies here; {@link reach} behind that is room for the memory made at restore, as long. */
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
}

/** Areas of a process, judged. @throws ShimError `failedPrecondition` */
export function readAreas(process: TracedProcess): Area[] {
  return readSmaps(process.pid).map((vma) => classifyArea(process.label, vma));
}

/** What an area maps: the id of its file, or a shared object. */
export interface AreaTarget {
  readonly fileId?: number;
  readonly shared?: SharedObject | undefined;
  /** No other area has told of the shared object. */
  readonly isFirst?: boolean;
}

/** The image's entry of an area. */
export function vmaEntry(area: StoredArea, target: AreaTarget): VmaEntry {
  const { vma } = area;
  const place = target.shared?.place ?? area.place;
  const told = target.isFirst ? target.shared : undefined;
  const madv = adviceOf(area);
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
    mvas_park: place,
    mvas_name: vma.anonName,
    mvas_runs: told ? pages(told.runs) : ownPages(area),
    mvas_size: told?.size,
    mvas_heritage: heritageOf(area),
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
export function mapFlags({ vma, kind }: Area): number {
  const isAnonymous = kind !== 'file-private' && kind !== 'file-shared';
  const isPopulated = vma.vmFlags.has('lo') && !vma.vmFlags.has('lf');
  return FLAGS.reduce<number>(
    (bits, [flag, value]) => (vma.vmFlags.has(flag) ? bits | value : bits),
    mapType(vma) | (isAnonymous ? MAP_ANONYMOUS : 0) | (isPopulated ? MAP_POPULATE : 0),
  );
}

function mapType({ shared, vmFlags }: SmapsVma): number {
  if (vmFlags.has('dp')) return MAP_DROPPABLE;
  return shared ? MAP_SHARED : MAP_PRIVATE;
}

function adviceOf({ vma }: StoredArea): bigint {
  return ADVICE.reduce(
    (bits, [flag, advice]) => (vma.vmFlags.has(flag) ? bits | (1n << BigInt(advice)) : bits),
    0n,
  );
}

/** Whether its stored pages are laid over something else at a restore. */
export function isStash({ kind, holes }: StoredArea): boolean {
  return kind === 'file-private' || holes !== undefined;
}

function ownPages(area: StoredArea): bigint[] {
  return isStash(area) ? pages(relative(area.runs, area.vma.start)) : [];
}

function heritageOf({ vma, holes }: StoredArea): VmaEntry['mvas_heritage'] {
  return holes && { holes: pages(relative(holes, vma.start)) };
}

function pages(runs: readonly PageRun[]): bigint[] {
  return runs.flatMap((run) => [run.start / PAGE, run.length / PAGE]);
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
