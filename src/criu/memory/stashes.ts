// SPDX-License-Identifier: Apache-2.0
import { assertInvariant } from '../../common/errors.js';
import { INIT } from '../../common/ids.js';
import { MADV_DONTFORK, SYS } from '../../native/abi/index.js';
import type { Sequence } from '../plan/sequence.js';
import { isStash, rangeOf, type MappedArea } from './memory-map.js';
import type { ImageMap, ImageMemory } from './of-image.js';
import type { Range } from './ranges.js';

/*
 * Pages that are laid over something else at a restore are copied, wherever they wait. So no fork takes them along:
 * those of all processes but PID 1 stay in the park of the root of the tree, and each process reads its own from there
 * (/proc/PID/mem). Of what comes along, each fork copies the page tables, and a record of each process above: a
 * chain of processes would take the square of its length.
 */

/** Where the pages of a process wait that it reads. */
export function stashesOf({ pid, unfinished }: ImageMap): Range[] {
  if (pid === INIT) return [];
  return unfinished.flatMap((area) =>
    area.place !== undefined && isStash(area) ? [placeOf(area, area.place)] : [],
  );
}

/** Whether any process reads pages. `duplicates`: what processes exec instead. */
export function haveStashes({ maps }: Pick<ImageMemory, 'maps'>, duplicates: unknown): boolean {
  if (duplicates !== undefined) return false;
  return [...maps.values()].some((map) => stashesOf(map).length > 0);
}

/** Where memory waits that forks take along; of PID 1, what does not lie in its place. */
export function parkedRanges({ pid, unfinished }: ImageMap): Range[] {
  return unfinished.flatMap((area) => {
    const { place } = area;
    if (place === undefined) return [];
    const stays = pid === INIT ? place === area.start : isStash(area);
    return stays ? [] : [placeOf(area, place)];
  });
}

function placeOf({ start, end }: Range, place: bigint): Range {
  return { start: place, end: place + (end - start) };
}

/** Plans the reading of pages. */
export class Stashes {
  readonly #ranges: readonly Range[];
  #file: number | undefined;

  /** @param ranges where all of them are; what lies between the ends of a range is nobody else's */
  constructor(ranges: readonly Range[]) {
    this.#ranges = ranges;
  }

  /** In the root, before any fork. `file`: the descriptor of its memory in every process. */
  planKept(file: number | undefined, root: Sequence): void {
    this.#file = file;
    for (const { start, end } of this.#ranges) {
      // Holes in a range give ENOMEM, and the rest has been advised (madvise(2)).
      const args = [start, end - start, MADV_DONTFORK];
      root.syscall('keep what others read', SYS.madvise, args, { tolerate: true });
    }
  }

  /** In the root, when all have read theirs; in another fork of the holder, before it forks. */
  planDropped(sequence: Sequence): void {
    for (const { start, end } of this.#ranges) {
      sequence.syscall('drop what others read', SYS.munmap, [start, end - start]);
    }
  }

  /** Lays the stored pages of an area over what the process has there. */
  planRead(area: MappedArea, sequence: Sequence): void {
    const { start, place, runs } = area;
    const file = this.#file;
    if (place === undefined || runs.length === 0) return;
    assertInvariant(file !== undefined, 'what is read has been kept');
    for (const run of runs) {
      const from = place + (run.start - start);
      sequence.pread(() => `lay pages over ${rangeOf(area)}`, file, run.start, from, run.length);
    }
  }
}
