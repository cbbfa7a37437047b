// SPDX-License-Identifier: Apache-2.0
import { MAP_GROWSDOWN } from '../../native/abi/index.js';
import { WORK } from '../plan/abi.js';
import type { Range } from './ranges.js';

/** A range of a process, and where it begins in the park. Areas in it keep their distances there. */
export interface ParkedRange extends Range {
  readonly place: bigint;
}

/** What needs a place; `flags` are MAP_*. */
export interface Parkable extends Range {
  readonly flags?: number;
}

const LOWEST = 0x1000000000n;
const HIGHEST = 0x7f0000000000n;
/** Page tables move as a whole if source and target are equal modulo this (mm/mremap.c). */
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

  /**
   * A place for a range: equal to it modulo 2 MiB if it fills a whole page table, otherwise right behind the one before.
   * The kernel joins small neighbours into one mapping with few page tables, which every fork copies.
   */
  place(range: Parkable): bigint {
    const isSmall = alignUp(range.start) + ALIGNMENT > range.end && !growsDown(range);
    const at = isSmall ? this.#next : alignUp(this.#next + GAP) + (range.start % ALIGNMENT);
    this.#next = at + (range.end - range.start);
    return at;
  }

  /**
   * Places for ranges in order of address. Ranges close to one another are taken together and keep their distances:
   * they still share page tables, and many of them take no more room than before.
   */
  placeAll(ranges: readonly Parkable[]): ParkedRange[] {
    return clusters(ranges).map(({ start, end, flags }) => {
      return { start, end, place: this.place({ start, end, flags }) };
    });
  }
}

/** Merges neighbours that are closer to one another than the gap of the park. */
function clusters(ranges: readonly Parkable[]): Required<Parkable>[] {
  const found: { readonly start: bigint; end: bigint; flags: number }[] = [];
  for (const { start, end, flags = 0 } of ranges) {
    const last = found.at(-1);
    if (last && start - last.end < GAP) {
      last.end = end;
      last.flags |= flags;
    } else {
      found.push({ start, end, flags });
    }
  }
  return found;
}

function growsDown({ flags = 0 }: Parkable): boolean {
  return (flags & MAP_GROWSDOWN) !== 0;
}

function alignUp(address: bigint): bigint {
  return ((address + ALIGNMENT - 1n) / ALIGNMENT) * ALIGNMENT;
}

/** The start of a free range; undefined if no hole is large enough. `taken`: everything mapped anywhere. */
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
