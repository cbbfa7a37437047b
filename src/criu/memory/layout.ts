// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';
import { WORK } from '../plan/abi.js';

/**
 * Where things lie in a VAS:
 *
 *     ...  memory of the container's init, at its own addresses
 *     base        the holder's own range (WORK.size)
 *     park        everything that waits to be put in place at restore: memory of the other processes,
 *                 shared memory, dirty pages of private file mappings
 *     ...  memory of the container's init
 *
 * The holder's range and the park lie where no process of the container has anything.
 */
export interface Range {
  readonly start: bigint;
  readonly end: bigint;
}

const LOWEST = 0x1000000000n;
const HIGHEST = 0x7f0000000000n;
/** Page tables move whole where source and target are equal modulo this (mm/mremap.c). */
const ALIGNMENT = 0x200000n;
/** Room below a stack, so that the kernel's guard gap fits (256 pages). */
const GAP = 0x200000n;

/** Hands out places in the park, one after the other. */
export class Park {
  readonly start: bigint;
  #next: bigint;

  constructor(start: bigint) {
    this.start = start;
    this.#next = start;
  }

  get end(): bigint {
    return this.#next;
  }

  /** A place for a range, equal to it modulo 2 MiB. */
  place(range: Range): bigint {
    const at = alignUp(this.#next + GAP) + (range.start % ALIGNMENT);
    this.#next = alignUp(at + (range.end - range.start));
    return at;
  }
}

/** What of some ranges lies in none of others. */
export function subtract(ranges: readonly Range[], others: readonly Range[]): Range[] {
  const sorted = [...others].sort((a, b) => (a.start < b.start ? -1 : 1));
  const rest: Range[] = [];
  for (const { start, end } of ranges) {
    let at = start;
    for (const other of sorted) {
      if (other.end <= at || other.start >= end) continue;
      if (other.start > at) rest.push({ start: at, end: other.start });
      at = other.end;
    }
    if (at < end) rest.push({ start: at, end });
  }
  return rest;
}

function alignUp(address: bigint): bigint {
  return ((address + ALIGNMENT - 1n) / ALIGNMENT) * ALIGNMENT;
}

/** Room that parking these ranges takes at the most. */
export function parkSize(ranges: readonly Range[]): bigint {
  return ranges.reduce(
    (sum, range) => sum + (range.end - range.start) + GAP + 2n * ALIGNMENT,
    ALIGNMENT,
  );
}

/**
 * The start of a free range.
 *
 * @param taken everything mapped in any process, in any order
 * @throws ShimError `failedPrecondition` when no hole is large enough
 */
export function findHole(taken: readonly Range[], size: bigint): bigint {
  const sorted = [...taken].sort((a, b) => (a.start < b.start ? -1 : 1));
  let at = LOWEST;
  for (const range of sorted) {
    if (range.end <= at) continue;
    if (range.start > at + size + ALIGNMENT) break;
    at = ((range.end + WORK.size - 1n) / WORK.size) * WORK.size;
  }
  if (at + size > HIGHEST) {
    const room = `${String(size >> 30n)} GiB of free addresses`;
    throw new ShimError('failedPrecondition', `the processes leave no room for ${room}`);
  }
  return at;
}
