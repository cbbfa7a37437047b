// SPDX-License-Identifier: Apache-2.0
import { WIRE } from '../../common/wire/reader.js';
import { ABSENT, RowCells, Rows, type RowLayout } from '../../common/wire/rows.js';
import { readRowsNatively } from '../../native/rows.js';
import { MM_MESSAGES, type VmaEntry } from './messages/mm.js';

/** Where the cells of a mapping lie in its row. */
export const CELL = {
  ...{ start: 0, end: 1, pgoff: 2, shmid: 3, prot: 4, flags: 5, status: 6, fd: 7 },
  ...{ madv: 8, mvas_park: 9 },
} as const;
const NAMES = Object.keys(CELL) as (keyof typeof CELL)[];
/** Cells of a row. */
export const WIDTH = NAMES.length;

/** One for all entries: nobody changes it. */
const NO_RUNS: bigint[] = [];
const MAX_32 = 0xffff_ffff;
/** No file, as a zigzag varint. */
const NO_FILE = 1;
const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);
const SHORT: ReadonlySet<string> = new Set(['prot', 'flags', 'status']);

/** Mappings without names and runs of pages, with numbers that a double holds. */
const LAYOUT: RowLayout = NAMES.map((name) => ({
  tag: tagOf(name),
  least: name === 'fd' ? NO_FILE : 0,
  most: name === 'fd' ? NO_FILE : SHORT.has(name) ? MAX_32 : Number.MAX_SAFE_INTEGER,
  isRequired: CELL[name] < CELL.madv,
}));

/** Neighbours in the list of a process's mappings that need no entry of their own. */
export class VmaRows extends Rows {
  /** The entry of one of them. */
  entry(row: number): VmaEntry {
    const { cells } = this;
    const at = row * WIDTH;
    const [madv, park] = [cells[at + CELL.madv] ?? ABSENT, cells[at + CELL.mvas_park] ?? ABSENT];
    const vma: VmaEntry = {
      start: BigInt(cells[at] ?? 0),
      end: BigInt(cells[at + CELL.end] ?? 0),
      pgoff: BigInt(cells[at + CELL.pgoff] ?? 0),
      shmid: BigInt(cells[at + CELL.shmid] ?? 0),
      prot: cells[at + CELL.prot] ?? 0,
      flags: cells[at + CELL.flags] ?? 0,
      status: cells[at + CELL.status] ?? 0,
      fd: -1n,
      mvas_runs: NO_RUNS,
    };
    if (madv !== ABSENT) vma.madv = BigInt(madv);
    if (park !== ABSENT) vma.mvas_park = BigInt(park);
    return vma;
  }
}

/** How an image has them. */
export const VMA_ROWS = { layout: LAYOUT, Rows: VmaRows, read: readRowsNatively };

/** What most mappings consist of. Addresses, and the offset into what is mapped, are in bytes. */
export interface PlainVma {
  readonly start: bigint;
  readonly end: bigint;
  readonly offset: bigint;
  /** PROT_* bits. */
  readonly prot: number;
  /** MAP_* bits. */
  readonly flags: number;
  /** Bit N for advice N of madvise(2). */
  readonly advice: number;
  /** Address in the VAS. */
  readonly place: bigint | undefined;
}

/** Makes the list of a process's mappings: neighbours that rows can hold become rows. */
export class VmaListMaker {
  readonly #parts: VmaPart[] = [];
  #rows = new RowCells(WIDTH);

  add(vma: VmaEntry): void {
    if (fitsRow(vma)) {
      addRow(vma, this.#rows);
      return;
    }
    this.#endRows();
    this.#parts.push(vma);
  }

  /**
   * Adds a mapping that has nothing else, without an entry for it: there may be tens of thousands.
   *
   * @returns false, and adds nothing, if rows cannot hold its numbers
   */
  addPlain(vma: PlainVma, status: number, shmid: bigint): boolean {
    const { start, end, offset, place } = vma;
    const isHeld = isSafe(end) && isSafe(offset) && isSafe(shmid) && isSafe(place ?? 0n);
    if (!isHeld) return false;
    const { next, cells } = this.#rows;
    cells[next + CELL.start] = Number(start);
    cells[next + CELL.end] = Number(end);
    cells[next + CELL.pgoff] = Number(offset);
    cells[next + CELL.shmid] = Number(shmid);
    cells[next + CELL.prot] = vma.prot;
    cells[next + CELL.flags] = vma.flags;
    cells[next + CELL.status] = status;
    cells[next + CELL.fd] = NO_FILE;
    cells[next + CELL.madv] = vma.advice === 0 ? ABSENT : vma.advice;
    cells[next + CELL.mvas_park] = place === undefined ? ABSENT : Number(place);
    this.#rows.add();
    return true;
  }

  finish(): VmaPart[] {
    this.#endRows();
    return this.#parts;
  }

  #endRows(): void {
    const { length } = this.#rows;
    if (length === 0) return;
    this.#parts.push(new VmaRows(this.#rows.finish(), length));
    this.#rows = new RowCells(WIDTH);
  }
}

function addRow(vma: VmaEntry, rows: RowCells): void {
  const { next, cells } = rows;
  cells[next + CELL.start] = Number(vma.start);
  cells[next + CELL.end] = Number(vma.end);
  cells[next + CELL.pgoff] = Number(vma.pgoff);
  cells[next + CELL.shmid] = Number(vma.shmid);
  cells[next + CELL.prot] = vma.prot;
  cells[next + CELL.flags] = vma.flags;
  cells[next + CELL.status] = vma.status;
  cells[next + CELL.fd] = NO_FILE;
  cells[next + CELL.madv] = vma.madv === undefined ? ABSENT : Number(vma.madv);
  cells[next + CELL.mvas_park] = vma.mvas_park === undefined ? ABSENT : Number(vma.mvas_park);
  rows.add();
}

function fitsRow(vma: VmaEntry): boolean {
  return vma.mvas_runs.length === 0 && hasNoOthers(vma) && haveRoom(vma);
}

function hasNoOthers(vma: VmaEntry): boolean {
  const { fd, fdflags, mvas_name, mvas_size, mvas_pkey, mvas_heritage } = vma;
  const others = fdflags ?? mvas_name ?? mvas_size ?? mvas_pkey ?? mvas_heritage;
  return fd === -1n && others === undefined;
}

function haveRoom(vma: VmaEntry): boolean {
  const { prot, flags, status, madv = 0n, mvas_park: park = 0n } = vma;
  const areShort = prot >>> 0 === prot && flags >>> 0 === flags && status >>> 0 === status;
  const areSafe = isSafe(vma.start) && isSafe(vma.end) && isSafe(vma.pgoff) && isSafe(vma.shmid);
  return areShort && areSafe && isSafe(madv) && isSafe(park);
}

function isSafe(value: bigint): boolean {
  return value >= 0n && value <= MAX_SAFE;
}

/** A part of a list of mappings. */
export type VmaPart = VmaEntry | VmaRows;

/** The list of these mappings. */
export function partsOf(vmas: Iterable<VmaEntry>): VmaPart[] {
  const maker = new VmaListMaker();
  for (const vma of vmas) maker.add(vma);
  return maker.finish();
}

/** The mappings of a list, one by one. */
export function* entriesOf(parts: Iterable<VmaPart>): Generator<VmaEntry> {
  for (const part of parts) {
    if (part instanceof VmaRows) for (let row = 0; row < part.length; row++) yield part.entry(row);
    else yield part;
  }
}

/** Judges a mapping by the cells of its row, which begin at a place. */
export type RowJudge = (cells: Float64Array, at: number) => boolean;

/** The mappings of a list, but for those in rows that a judge knows to be usual. */
export function* unusualOf(parts: Iterable<VmaPart>, isUsual: RowJudge): Generator<VmaEntry> {
  for (const part of parts) {
    if (!(part instanceof VmaRows)) yield part;
    else yield* unusualRows(part, isUsual);
  }
}

function* unusualRows(rows: VmaRows, isUsual: RowJudge): Generator<VmaEntry> {
  for (let row = 0; row < rows.length; row++) {
    if (!isUsual(rows.cells, row * WIDTH)) yield rows.entry(row);
  }
}

/** How many there are. */
export function countOf(parts: readonly VmaPart[]): number {
  return parts.reduce((count, part) => count + (part instanceof VmaRows ? part.length : 1), 0);
}

function tagOf(name: keyof VmaEntry): number {
  const [, number = 0] = MM_MESSAGES.vma_entry.find(([field]) => field === name) ?? [];
  return number * 8 + WIRE.varint;
}
