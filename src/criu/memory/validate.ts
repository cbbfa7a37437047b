// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../common/errors.js';
import { ABSENT } from '../../common/wire/rows.js';
import { PAGE, PROT_READ_WRITE, USER_END } from '../../native/abi/index.js';
import type { CheckpointImage } from '../image/checkpoint-image.js';
import { VMA_STATUS } from '../image/constants.js';
import { bodyOf, type EntryKind, type MappedRing } from '../image/entry-kind.js';
import type { FileEntry, MmEntry, MvasHeritage, VmaEntry } from '../image/types.js';
import {
  CELL,
  countOf,
  unusualOf,
  VmaRows,
  WIDTH,
  type RowJudge,
  type VmaPart,
} from '../image/vma-rows.js';
import { checkPairs } from './check-runs.js';
import { memoryOf, type ImageMemory } from './of-image.js';
import { validateContents } from './validate-contents.js';
import { validateKeys } from './validate-keys.js';
import { validateShared } from './validate-shared.js';

/** Where the kernel shows its vsyscall page, above user memory. */
const VSYSCALL_START = 0xffff_ffff_ff60_0000n;
const MAX_VMAS = 262_144;
/** Auxiliary vector: AT_VECTOR_SIZE is far below this number of words. */
const MAX_AUXV = 256;
const FILE_BACKED = VMA_STATUS.filePrivate | VMA_STATUS.fileShared;
/** The same as numbers. */
const PAGE_BYTES = Number(PAGE);
const MOST_END = Number(USER_END);
const KERNELS = VMA_STATUS.vdso | VMA_STATUS.vvar | VMA_STATUS.vsyscall;

/** What mappings may name. */
interface MappedFiles {
  readonly byId: ReadonlyMap<number, FileEntry>;
  /** Kinds that can be mapped, by type. */
  readonly mappable: ReadonlyMap<string, EntryKind>;
  /** Kinds of which only a ring is mapped. */
  readonly rings: ReadonlyMap<string, EntryKind>;
}

/**
 * Checks the layout of every address space, and returns what it contains.
 *
 * @param kinds kinds of files, some of which can be mapped
 * @throws ShimError `dataLoss`
 */
export function validateMemory(image: CheckpointImage, kinds: readonly EntryKind[]): ImageMemory {
  const byId = new Map(image.files.map((file) => [file.id, file]));
  const mappable = kinds.filter(({ isMappable }) => isMappable);
  const rings = kinds.filter((kind) => 'ringOf' in kind);
  const byType = (some: readonly EntryKind[]): ReadonlyMap<string, EntryKind> =>
    new Map(some.map((kind) => [kind.type, kind]));
  const files = { byId, mappable: byType(mappable), rings: byType(rings) };
  const isSoundRow = soundness(files);
  for (const [pid, mm] of image.mms) {
    const what = `check memory of process ${String(pid)}`;
    if (byId.get(mm.exe_file_id)?.type !== 'REG') badImage(`${what}: no executable`);
    if (mm.mm_saved_auxv.length > MAX_AUXV) badImage(`${what}: its auxiliary vector is too long`);
    checkPointers(mm, what);
    validateKeys(mm, what);
    checkLayout(mm.vmas, what);
    for (const vma of unusualOf(mm.vmas, isSoundRow)) checkVma(vma, files, what);
  }
  validateShared(image, USER_END);
  validateContents(image);
  return memoryOf(image);
}

function checkPointers(mm: MmEntry, what: string): void {
  const pairs: (readonly [string, bigint, bigint])[] = [
    ['code', mm.mm_start_code, mm.mm_end_code],
    ['data', mm.mm_start_data, mm.mm_end_data],
    ['heap', mm.mm_start_brk, mm.mm_brk],
    ['arguments', mm.mm_arg_start, mm.mm_arg_end],
    ['environment', mm.mm_env_start, mm.mm_env_end],
  ];
  for (const [name, start, end] of pairs) {
    if (start > end || end > USER_END) badImage(`${what}: its ${name} cannot be there`);
  }
  if (mm.mm_start_stack > USER_END) badImage(`${what}: its stack cannot be there`);
}

/** In ascending order without overlaps; guards come last and lie anywhere. */
function checkLayout(vmas: readonly VmaPart[], what: string): void {
  if (countOf(vmas) > MAX_VMAS) badImage(`${what}: too many mappings`);
  const order = new OrderCheck(what);
  for (const part of vmas) {
    if (part instanceof VmaRows) order.rows(part);
    else order.next(part);
  }
}

class OrderCheck {
  readonly #what: string;
  #end = 0n;
  #guards = false;

  constructor(what: string) {
    this.#what = what;
  }

  next(vma: VmaEntry): void {
    if ((vma.status & VMA_STATUS.guard) !== 0) {
      this.#guards = true;
      return;
    }
    if (this.#guards) badImage(`${this.#what}: ${rangeOf(vma)} is listed after guards`);
    if (vma.start < this.#end) {
      badImage(`${this.#what}: ${rangeOf(vma)} is out of order or overlaps`);
    }
    this.#end = vma.end;
  }

  rows(rows: VmaRows): void {
    const { cells, length } = rows;
    let end = Number(this.#end);
    for (let row = 0, at = 0; row < length; row++, at += WIDTH) {
      const isGuard = ((cells[at + CELL.status] ?? 0) & VMA_STATUS.guard) !== 0;
      if (isGuard || this.#guards || (cells[at] ?? 0) < end) this.next(rows.entry(row));
      else this.#end = BigInt((end = cells[at + CELL.end] ?? 0));
    }
  }
}

/** Judges rows as {@link checkVma} does; what does not pass here may pass there. */
function soundness({ byId, mappable }: MappedFiles): RowJudge {
  return (cells, at) => {
    const status = cells[at + CELL.status] ?? 0;
    if (!isSound(cells, at)) return false;
    if ((status & FILE_BACKED) === 0) return true;
    const kind = mappable.get(byId.get(cells[at + CELL.shmid] ?? 0)?.type ?? '');
    return kind?.checkMapping === undefined && kind !== undefined && isWholePages(cells, at);
  };
}

function isWholePages(cells: Float64Array, at: number): boolean {
  return (cells[at + CELL.pgoff] ?? 0) % PAGE_BYTES === 0;
}

function isSound(cells: Float64Array, at: number): boolean {
  const start = cells[at] ?? 0;
  const end = cells[at + CELL.end] ?? 0;
  const park = cells[at + CELL.mvas_park] ?? 0;
  if (start >= end || end > MOST_END || start % PAGE_BYTES !== 0 || end % PAGE_BYTES !== 0)
    return false;
  if ((cells[at + CELL.prot] ?? 0) > 7) return false;
  return park === ABSENT || (park % PAGE_BYTES === 0 && park + (end - start) <= MOST_END);
}

function checkVma(vma: VmaEntry, files: MappedFiles, what: string): void {
  const mapping: () => string = () => `${what}: ${rangeOf(vma)}`;
  if (vma.start >= vma.end || (vma.start | vma.end) % PAGE !== 0n) {
    badImage(`${mapping()} is not a range of pages`);
  }
  const kernels = vma.start === VSYSCALL_START && (vma.status & VMA_STATUS.vsyscall) !== 0;
  if (vma.end > USER_END && !kernels) badImage(`${mapping()} is beyond user memory`);
  if (vma.prot > 7) badImage(`${mapping()} has an unknown protection`);
  if ((vma.status & FILE_BACKED) !== 0) checkMappedFile(vma, files, mapping);
  if (vma.mvas_park !== undefined) checkPark(vma, vma.mvas_park, mapping);
  if (vma.mvas_runs.length > 0) checkRuns(vma, mapping);
  if (vma.mvas_heritage) checkHoles(vma, vma.mvas_heritage, mapping);
}

function checkMappedFile(vma: VmaEntry, files: MappedFiles, mapping: () => string): void {
  const file = files.byId.get(Number(vma.shmid));
  const type = file?.type ?? 'no file';
  const ringKind = files.rings.get(type);
  if (file && ringKind) {
    checkRing(vma, ringKind.ringOf?.(bodyOf(file, ringKind.body)), mapping);
    return;
  }
  const kind = files.mappable.get(type);
  if (!kind) badImage(`${mapping()} maps ${type}`);
  if (vma.pgoff % PAGE !== 0n || vma.pgoff >= 1n << 63n) badImage(`${mapping()} has a bad offset`);
  const isShared = (vma.status & VMA_STATUS.fileShared) !== 0;
  kind.checkMapping?.({ offset: vma.pgoff, isShared }, mapping);
}

function checkRing(vma: VmaEntry, ring: MappedRing | undefined, mapping: () => string): void {
  if (!ring) badImage(`${mapping()} maps a socket without a ring`);
  const isShared = (vma.status & VMA_STATUS.fileShared) !== 0;
  const isInside = vma.pgoff % PAGE === 0n && vma.pgoff + (vma.end - vma.start) <= ring.size;
  if (!isShared || !isInside) badImage(`${mapping()} is not in the ring of its socket`);
}

function checkPark({ start, end }: VmaEntry, park: bigint, mapping: () => string): void {
  if (park % PAGE !== 0n || park + (end - start) > USER_END) {
    badImage(`${mapping()} is parked where nothing can be`);
  }
}

/**
 * Only private anonymous memory that is writable has holes. Whether a forker has the same is checked with the tree.
 */
function checkHoles(vma: VmaEntry, { holes }: MvasHeritage, mapping: () => string): void {
  if (!isPrivate(vma) || !isWritable(vma)) badImage(`${mapping()} cannot be inherited`);
  checkPairs(holes, (vma.end - vma.start) / PAGE, mapping);
}

/** Pages of private memory are told only where they are written to it at a restore. */
function checkOwnPages(vma: VmaEntry, mapping: () => string): void {
  if (!isWritable(vma)) badImage(`${mapping()} has pages that cannot be written to it`);
  if (vma.mvas_park === undefined) badImage(`${mapping()} has pages and no place for them`);
}

function isPrivate({ status }: VmaEntry): boolean {
  return (status & VMA_STATUS.anonPrivate) !== 0 && (status & KERNELS) === 0;
}

function isWritable({ prot }: VmaEntry): boolean {
  return (prot & PROT_READ_WRITE) === PROT_READ_WRITE;
}

/** Runs are relative to the mapping; those of shared memory, to the whole object. */
function checkRuns(vma: VmaEntry, mapping: () => string): void {
  const { start, end, pgoff, mvas_size: size, mvas_runs: runs } = vma;
  const isShared = (vma.status & VMA_STATUS.anonShared) !== 0;
  const pages = (size ?? end - start + (isShared ? pgoff : 0n)) / PAGE;
  checkPairs(runs, pages, mapping);
  if (isPrivate(vma)) checkOwnPages(vma, mapping);
}

function rangeOf({ start, end }: VmaEntry): string {
  return `${start.toString(16)}-${end.toString(16)}`;
}
