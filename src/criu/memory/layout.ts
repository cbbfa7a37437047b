// SPDX-License-Identifier: Apache-2.0
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

  /**
   * Places for ranges in order of address. Close ones keep their distances: they go on sharing page
   * tables, and many take no more room than before.
   */
  placeAll(ranges: readonly Range[]): bigint[] {
    const places: bigint[] = [];
    for (const cluster of clusters(ranges)) {
      const distance = this.place(cluster) - cluster.start;
      const next = places.length + cluster.count;
      for (const { start } of ranges.slice(places.length, next)) places.push(start + distance);
    }
    return places;
  }
}

/** Neighbours that are closer to one another than the gap of the park. */
function clusters(ranges: readonly Range[]): (Range & { readonly count: number })[] {
  const found: { readonly start: bigint; end: bigint; count: number }[] = [];
  for (const { start, end } of ranges) {
    const last = found.at(-1);
    if (last && start - last.end < GAP) {
      last.end = end;
      last.count++;
    } else {
      found.push({ start, end, count: 1 });
    }
  }
  return found;
}

/** What of some ranges, in order of address, lies in none of others. */
export function subtract(ranges: readonly Range[], others: readonly Range[]): Range[] {
  const sorted = [...others].sort((a, b) => (a.start < b.start ? -1 : 1));
  const rest: Range[] = [];
  let next = 0;
  for (const { start, end } of ranges) {
    let at = start;
    while ((sorted[next]?.end ?? end) <= start) next++;
    for (let i = next; at < end; i++) {
      const other = sorted[i];
      if (!other || other.start >= end) break;
      if (other.start > at) rest.push({ start: at, end: other.start });
      if (other.end > at) at = other.end;
    }
    if (at < end) rest.push({ start: at, end });
  }
  return rest;
}

function alignUp(address: bigint): bigint {
  return ((address + ALIGNMENT - 1n) / ALIGNMENT) * ALIGNMENT;
}

/** The start of a free range; undefined when no hole is large enough. `taken`: everything mapped anywhere. */
export function findHole(taken: readonly Range[], size: bigint): bigint | undefined {
  const sorted = [...taken].sort((a, b) => (a.start < b.start ? -1 : 1));
  let at = LOWEST;
  for (const range of sorted) {
    if (range.end <= at) continue;
    if (range.start > at + size + ALIGNMENT) break;
    at = ((range.end + WORK.size - 1n) / WORK.size) * WORK.size;
  }
  return at + size > HIGHEST ? undefined : at;
}
