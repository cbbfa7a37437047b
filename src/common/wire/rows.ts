// SPDX-License-Identifier: Apache-2.0

/** A field of a message that becomes a row: a varint that a double holds. */
export interface RowField {
  readonly tag: number;
  /** The least and the greatest value. */
  readonly least: number;
  readonly most: number;
  readonly isRequired: boolean;
}

/** The fields of a message in the form that most have, in ascending order of their numbers. */
export type RowLayout = readonly RowField[];

/** The cell of a field that is not there. */
export const ABSENT = -1;

/**
 * Messages that follow one another in a list, as numbers: there may be tens of thousands, and an object for each would
 * cost more than all else. The cells of a message lie side by side, one for each field of the layout.
 */
export class Rows {
  readonly cells: Float64Array;
  /** How many messages these are. */
  readonly length: number;

  constructor(cells: Float64Array, length: number) {
    this.cells = cells;
    this.length = length;
  }
}

const FIRST_ROWS = 16;
/** Messages are shorter than this, so that one byte tells their length. */
const LENGTH_END = 0x80;
/** Bytes of a varint that a double may hold. */
const MAX_BYTES = 8;
/** From here on, bitwise operators do not do. */
const TWO_31 = 0x8000_0000;
/** Bytes of the tag and the value of a field, at most. */
const FIELD_BYTES = 13;

/** Cells of rows, as many as there will be. */
export class RowCells {
  readonly #width: number;
  #cells: Float64Array;
  #length = 0;

  /** `width`: cells of a row. */
  constructor(width: number) {
    this.#width = width;
    this.#cells = new Float64Array(FIRST_ROWS * width);
  }

  get length(): number {
    return this.#length;
  }

  /** Those of all rows, and of the next. */
  get cells(): Float64Array {
    return this.#cells;
  }

  /** Those of all rows. */
  finish(): Float64Array {
    return this.#cells.subarray(0, this.#length * this.#width);
  }

  /** Where the cells of the next row begin. */
  get next(): number {
    const next = this.#length * this.#width;
    if (next === this.#cells.length) {
      const larger = new Float64Array(next * 2);
      larger.set(this.#cells);
      this.#cells = larger;
    }
    return next;
  }

  /** Keeps the next row. */
  add(): void {
    this.#length += 1;
  }
}

/** A list of messages in an encoded message. */
export interface EncodedList {
  readonly bytes: Uint8Array;
  /** Behind the first tag. */
  readonly from: number;
  /** Of what contains the list. */
  readonly end: number;
  /** Comes before each message; of one byte. */
  readonly tag: number;
  /** Messages to read at most. */
  readonly most: number;
}

/** The first messages of a list, as rows. */
export interface FoundRows {
  readonly cells: Float64Array;
  readonly length: number;
  /** The position behind the last, which is before the next one's tag. */
  readonly at: number;
}

/** Reads messages up to the first one that is not of a layout. What is not of it may be valid in another form. */
export type RowReader = (list: EncodedList, layout: RowLayout) => FoundRows;

/** See {@link RowReader}. */
export function readRows(
  { bytes, from, end, tag, most }: EncodedList,
  layout: RowLayout,
): FoundRows {
  const found = new RowCells(layout.length);
  let at = from;
  for (let begin = from; found.length < most; begin = at + 1) {
    const length = bytes[begin] ?? LENGTH_END;
    const stop = begin + 1 + length;
    const isInside = length < LENGTH_END && stop <= end && (begin === from || bytes[at] === tag);
    if (!isInside || !readRow(bytes, { at: begin + 1, stop }, layout, found)) break;
    found.add();
    at = stop;
  }
  return { cells: found.finish(), length: found.length, at };
}

/** Reads one message into the next row; false if it is not of the layout. */
function readRow(
  bytes: Uint8Array,
  { at, stop }: { readonly at: number; readonly stop: number },
  layout: RowLayout,
  { next, cells }: RowCells,
): boolean {
  let from = at;
  for (let index = 0; index < layout.length; index++) {
    const field = layout[index];
    const behind = field ? behindTag(bytes, from, field.tag) : from;
    if (!field || behind === from) {
      if (field?.isRequired) return false;
      cells[next + index] = ABSENT;
      continue;
    }
    const first = bytes[behind] ?? 0;
    from = first < 0x80 ? behind + 1 : endOfVarint(bytes, behind);
    const value = first < 0x80 ? first : longVarint(bytes, behind, from);
    if (value < field.least || value > field.most) return false;
    cells[next + index] = value;
  }
  return from === stop;
}

function endOfVarint(bytes: Uint8Array, at: number): number {
  let end = at;
  while ((bytes[end] ?? 0) >= 0x80 && end < at + MAX_BYTES) end++;
  return end + 1;
}

/** The value of a varint; infinite if it is longer than one that a double holds. */
function longVarint(bytes: Uint8Array, at: number, end: number): number {
  if (end - at > MAX_BYTES) return Infinity;
  let value = 0;
  for (let index = end - 1; index >= at; index--) {
    value = value * 0x80 + ((bytes[index] ?? 0) & 0x7f);
  }
  return value;
}

/** The position behind a tag; `at` if another follows. */
function behindTag(bytes: Uint8Array, at: number, tag: number): number {
  let from = at;
  let rest = tag;
  for (; rest >= 0x80; rest >>= 7) {
    if (bytes[from++] !== ((rest & 0x7f) | 0x80)) return at;
  }
  return bytes[from] === rest ? from + 1 : at;
}

/** Writes the messages of rows, each behind a tag of one byte and its length. */
export function writeRows(rows: Rows, tag: number, layout: RowLayout): Uint8Array {
  const tags = layout.map((field) => field.tag);
  const width = tags.length;
  const bytes = Buffer.allocUnsafe(rows.length * (2 + width * FIELD_BYTES));
  let at = 0;
  for (let row = 0; row < rows.length; row++) {
    const stop = writeRow(bytes, { at: at + 2, from: row * width }, tags, rows.cells);
    bytes[at] = tag;
    bytes[at + 1] = stop - at - 2;
    at = stop;
  }
  return bytes.subarray(0, at);
}

/** Returns the position behind the message. */
function writeRow(
  bytes: Uint8Array,
  { at, from }: { readonly at: number; readonly from: number },
  tags: readonly number[],
  cells: Float64Array,
): number {
  let to = at;
  for (let field = 0; field < tags.length; field++) {
    let rest = cells[from + field] ?? ABSENT;
    if (rest === ABSENT) continue;
    let tag = tags[field] ?? 0;
    for (; tag >= 0x80; tag >>= 7) bytes[to++] = (tag & 0x7f) | 0x80;
    bytes[to++] = tag;
    for (; rest >= TWO_31; rest = Math.floor(rest / 0x80)) bytes[to++] = (rest % 0x80) | 0x80;
    for (; rest >= 0x80; rest >>= 7) bytes[to++] = (rest & 0x7f) | 0x80;
    bytes[to++] = rest;
  }
  return to;
}
