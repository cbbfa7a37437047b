// SPDX-License-Identifier: Apache-2.0
import { COMPLETION_BYTES, SUBMISSION_BYTES } from '../../../../../native/io-uring.js';

/** How an io_uring was made, as far as its memory depends on that. */
export interface RingShape {
  /** Entries of the rings: powers of two. */
  readonly sqEntries: number;
  readonly cqEntries: number;
  /** Bytes before the completions. */
  readonly header: number;
  /** Whether an array says which submission entries are meant; it lies behind the completions. */
  readonly hasArray: boolean;
}

/** Offsets of the rings' heads, tails and flags, which are numbers of 32 bits. */
export interface RingPlaces {
  readonly sqHead: number;
  readonly sqTail: number;
  readonly cqHead: number;
  readonly cqTail: number;
  /** Of the flags that the program sets. */
  readonly cqFlags: number;
}

/** By the bytes before the completions: `struct io_rings` of io_uring.c, whose heads once had cache lines of their own. */
const PLACES: ReadonlyMap<number, RingPlaces> = new Map([
  [64, { sqHead: 0, sqTail: 4, cqHead: 8, cqTail: 12, cqFlags: 40 }],
  [320, { sqHead: 0, sqTail: 64, cqHead: 128, cqTail: 192, cqFlags: 280 }],
]);

/** Where heads and tails are; undefined for an unknown header. */
export function placesOf(header: number): RingPlaces | undefined {
  return PLACES.get(header);
}

/** The shapes that rings of so many entries and so many bytes can have. */
export function shapesOf(sqEntries: number, cqEntries: number, bytes: number): RingShape[] {
  return [...PLACES.keys()]
    .flatMap((header) =>
      [true, false].map((hasArray) => ({ sqEntries, cqEntries, header, hasArray })),
    )
    .filter((shape) => ringBytes(shape) === bytes);
}

/** Bytes of both rings. `width` is that of a completion: 32 with IORING_SETUP_CQE32. */
export function ringBytes(shape: RingShape, width = COMPLETION_BYTES): number {
  return arrayAt(shape, width) + (shape.hasArray ? shape.sqEntries * 4 : 0);
}

/** Where the array begins, or would. */
export function arrayAt({ header, cqEntries }: RingShape, width = COMPLETION_BYTES): number {
  return Math.ceil((header + cqEntries * width) / 64) * 64;
}

/** Bytes of the submission entries. */
export function entryBytes({ sqEntries }: Pick<RingShape, 'sqEntries'>): number {
  return sqEntries * SUBMISSION_BYTES;
}

/** Whether some bytes are all zero. */
export function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

/** Whether any of the units at odd places is not all zero: narrow entries are in use, or wide ones in full. */
export function hasOddUnit(bytes: Uint8Array, unit: number): boolean {
  for (let at = unit; at < bytes.length; at += 2 * unit) {
    if (!isZero(bytes.subarray(at, at + unit))) return true;
  }
  return false;
}
