// SPDX-License-Identifier: Apache-2.0
import { printable } from '../../common/bytes.js';
import type { NsPid } from '../../common/ids.js';
import { MADV_WIPEONFORK, PAGE } from '../../native/abi/index.js';
import { totalBytes, type PageRun } from './page-runs.js';
import type { Range } from './ranges.js';

/*
 * What the memory of a process is, as a value: read from /proc or from an image, compared, placed, stored. Nothing
 * here needs a live process; what does is in live/. There may be tens of thousands of areas, so they are flat, and
 * sets are bit masks.
 */

/** What an area of memory is, which decides how it is captured and restored. */
export type AreaKind =
  /** Private anonymous: lies in the VAS unchanged. */
  | 'anonymous'
  /** Private mapping of a file: the file, and the pages written to. */
  | 'file-private'
  /** Shared mapping of a file (memfd included): only the file. */
  | 'file-shared'
  /** Shared anonymous: an object of its own, which several processes may map. */
  | 'anonymous-shared'
  /** The kernel's own pages: moved into place. */
  | 'vdso'
  | 'vvar'
  /** At the same place in every process. */
  | 'vsyscall';

/** Bits of {@link MappedArea.traits}: what kind, protection, flags and advice do not say. */
export const TRAIT = {
  heap: 1 << 0,
  stack: 1 << 1,
  /** A segment attached only for reading (SHM_RDONLY). */
  readOnly: 1 << 5,
  /** Its process, far down the tree, reads its pages at a restore (far-down.ts). */
  read: 1 << 6,
  /** Counted as committed memory. Known of a live process only, like all that follow. */
  accounted: 1 << 2,
  /** Some of it lies in transparent huge pages. */
  hugePages: 1 << 3,
  /** None of it is in memory or in swap. */
  untouched: 1 << 4,
  /** We track what is written to all of it. */
  tracked: 1 << 7,
} as const;

/** A file as the mappings of a process show it (/proc/PID/maps). */
export interface MappedFile {
  readonly dev: { readonly major: number; readonly minor: number };
  readonly inode: bigint;
  readonly path: string;
  readonly deleted: boolean;
}

/** Contiguous memory of a process that is of one kind throughout. */
export interface MappedArea extends Range {
  readonly kind: AreaKind;
  /** PROT_* bits. */
  readonly prot: number;
  /** MAP_* bits that it was mapped with, as far as they are visible. */
  readonly flags: number;
  /** Advice given to madvise(2): bit N for advice N. */
  readonly advice: number;
  /** Its memory protection key (pkeys(7)); 0 is that of all memory by default. */
  readonly key: number;
  /** Bits of {@link TRAIT}. */
  readonly traits: number;
  /** Offset into what it maps, in bytes. */
  readonly offset: bigint;
  /** What it maps: the id of a {@link SharedObject}; in an image, also that of a file; otherwise 0. */
  readonly object: bigint;
  /** The mapped file; not known of an image, which has its id instead. */
  readonly file: MappedFile | undefined;
  /** Its name, given by prctl(PR_SET_VMA_ANON_NAME). */
  readonly name: string | undefined;
  /**
   * Pages with content, in order: of anonymous memory, those that are present or swapped, except for the zero page;
   * of a private mapping of a file, those that have been written to. Memory that a fork wipes starts empty and has
   * none, nor has what shared objects or files keep.
   */
  readonly runs: readonly PageRun[];
  /**
   * Set if it starts as another area, its forker's, at a restore: the pages of that one which it does not have.
   * `runs` are then those that differ.
   */
  readonly holes: readonly PageRun[] | undefined;
  /** Address of its first byte in a VAS; undefined if it has nothing there. */
  readonly place: bigint | undefined;
}

/** The memory of one process. */
export interface MemoryMap {
  readonly pid: NsPid;
  /** The name of the process in messages: `pid 7 (nginx)`. */
  readonly label: string;
  /** In order of address, without overlaps. */
  readonly areas: readonly MappedArea[];
  /** Pages that must not be touched (madvise(2), MADV_GUARD_INSTALL; visible since Linux 6.15). */
  readonly guards: readonly PageRun[];
}

/** Shared anonymous memory that one or several processes map, or parts of it; or content of a file without a name. */
export interface SharedObject {
  readonly id: bigint;
  /** Size of the object in bytes; mappings may reach beyond its end, or cover only part of it. */
  readonly size: bigint;
  /** The furthest end of its mappings, but at least its size. */
  readonly reach: bigint;
  /** No reserve is kept for it (MAP_NORESERVE). */
  readonly isUnreserved: boolean;
  /** Where it has content; offsets into it. */
  readonly runs: readonly PageRun[];
  /** One of its mappings; each leads to the whole of it. What nobody has mapped, such as content of a file, has none. */
  readonly mapping: (Range & { readonly pid: NsPid }) | undefined;
  /** Not known of an image. */
  readonly file?: ObjectFile;
  /**
   * The place of its content in a VAS; {@link reach} behind that is room of the same size for the memory made at
   * restore.
   */
  readonly place: bigint;
}

/** What is known of the file that a live shared object is. */
export interface ObjectFile {
  /** Its size, which for a System V segment need not be one of whole pages. */
  readonly bytes: bigint;
  /** What the last page holds beyond that; nothing by default. */
  readonly tail?: Uint8Array;
  /** Leads to it where no mapping does. */
  readonly path?: string;
}

/** A shared object before it has a place. */
export type FoundObject = Omit<SharedObject, 'place'>;

/** Ids of System V shared memory segments among those of shared objects; other objects have inode numbers. */
const SEGMENTS = 1n << 62n;

/** What the System V shared memory segment of an id is called among shared objects. */
export function objectOfSegment(id: bigint): bigint {
  return SEGMENTS | id;
}

/** The id of a System V shared memory segment; undefined of any other shared object. */
export function segmentOf(object: bigint): number | undefined {
  return (object & SEGMENTS) === 0n ? undefined : Number(object & ~SEGMENTS);
}

/** The value that most areas have for {@link MappedArea.runs}. */
export const NO_RUNS: readonly PageRun[] = [];

/** Whether it has a trait. */
export function has({ traits }: MappedArea, trait: keyof typeof TRAIT): boolean {
  return (traits & TRAIT[trait]) !== 0;
}

/** Whether madvise(2) was given an advice, and not its opposite since. */
export function isAdvised(area: MappedArea, advice: number): boolean {
  return (area.advice & (1 << advice)) !== 0;
}

/** Whether its stored pages are copied at a restore: laid over something else, or read. */
export function isStash(area: MappedArea): boolean {
  return area.kind === 'file-private' || area.holes !== undefined || has(area, 'read');
}

/** Whether its pages are stored. If not, they belong to files, to shared objects, or to the kernel. */
export function storesPages(area: MappedArea): boolean {
  const isWiped = isAdvised(area, MADV_WIPEONFORK);
  return area.kind === 'file-private' || (area.kind === 'anonymous' && !isWiped);
}

/** `memory 0x7f…-0x7f… (/path)` for messages. */
export function describeArea(area: MappedArea): string {
  const name = printable(nameOf(area));
  return `memory ${rangeOf(area)}${name ? ` (${name})` : ''}`;
}

/** `0x7f…-0x7f…` for messages. */
export function rangeOf({ start, end }: Range): string {
  return `0x${start.toString(16)}-0x${end.toString(16)}`;
}

function nameOf(area: MappedArea): string {
  if (area.file) return area.file.path;
  if (has(area, 'heap')) return '[heap]';
  if (has(area, 'stack')) return '[stack]';
  return area.name === undefined ? '' : `[anon:${area.name}]`;
}

/** A map of those areas that are wanted. */
export function only(map: MemoryMap, wanted: (area: MappedArea) => boolean): MemoryMap {
  return { ...map, areas: map.areas.filter(wanted) };
}

/** Bytes stored for processes and for the objects they share. */
export function storedBytes(maps: readonly MemoryMap[], shared: readonly FoundObject[]): bigint {
  let sum = 0n;
  for (const { areas } of maps) for (const { runs } of areas) sum += totalBytes(runs);
  for (const { runs } of shared) sum += totalBytes(runs);
  return sum;
}

/** A number of bytes, up to the end of a page. */
export function wholePages(bytes: bigint): bigint {
  return ((bytes + PAGE - 1n) / PAGE) * PAGE;
}
