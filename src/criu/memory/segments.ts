// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../common/errors.js';
import { MREMAP_MOVE_FIXED, PROT_READ, PROT_READ_WRITE, SYS } from '../../native/abi/index.js';
import type { Sequence } from '../plan/sequence.js';
import { groupBy } from '../../common/group-by.js';
import { has, rangeOf, segmentOf, type MappedArea, type SharedObject } from './memory-map.js';
import { protect } from './place-area.js';
import type { Range } from './ranges.js';

/** Flag of shmat(2). */
const SHM_RDONLY = 0o10000;

/** Where a shared object is made, or attached for a moment: behind its content. */
export function madeRange({ place, reach }: SharedObject): Range {
  return { start: place + reach, end: place + 2n * reach };
}

/** In PID 1, once the segment is there: it gets its content. */
export function planSegment(object: SharedObject, root: Sequence): void {
  const { place, runs, size } = object;
  const at = attach(object, 0, root);
  for (const { start, length } of runs) {
    root.copy('fill a segment', at + start, place + start, length);
  }
  root.syscall('detach a segment', SYS.shmdt, [at]);
  root.syscall('drop the stash', SYS.munmap, [place, size]);
}

/**
 * In each process: attaches its segments. One that is mapped in part, or several times, is attached elsewhere as a
 * whole, and from there comes to all its places; what is attached for reading cannot become writable.
 */
export function placeSegments(
  areas: readonly MappedArea[],
  shared: ReadonlyMap<bigint, SharedObject>,
  sequence: Sequence,
): void {
  const attached = areas.filter(({ object, kind }) => {
    return kind === 'anonymous-shared' && segmentOf(object) !== undefined;
  });
  for (const [id, all] of groupBy(attached, ({ object }) => object)) {
    const object = shared.get(id) ?? badImage('a segment nobody made');
    for (const [isReadOnly, some] of groupBy(all, (area) => has(area, 'readOnly'))) {
      placeAll(object, some, isReadOnly, sequence);
    }
  }
}

function placeAll(
  object: SharedObject,
  areas: readonly MappedArea[],
  isReadOnly: boolean,
  sequence: Sequence,
): void {
  const { size, reach } = object;
  const at = attach(object, isReadOnly ? SHM_RDONLY : 0, sequence);
  if (reach > size) {
    sequence.syscall('reach beyond its end', SYS.mremap, [at, size, reach, 0], { expect: at });
  }
  for (const area of areas) {
    const { start, end, offset } = area;
    // Of a shared mapping, mremap(2) with an old size of 0 makes another one of the same pages.
    const args = [at + offset, 0, end - start, MREMAP_MOVE_FIXED, start];
    sequence.syscall(() => `attach ${rangeOf(area)}`, SYS.mremap, args, { expect: start });
    protect(area, isReadOnly ? PROT_READ : PROT_READ_WRITE, sequence);
  }
  sequence.syscall('detach a segment', SYS.munmap, [at, reach]);
}

/** Attaches a segment at the range of {@link madeRange}; its address. */
function attach(object: SharedObject, flags: number, sequence: Sequence): bigint {
  const { start: at } = madeRange(object);
  const id = segmentOf(object.id) ?? badImage('a segment without an id');
  const what = `attach segment ${String(id)}`;
  sequence.syscall(what, SYS.shmat, [id, at, flags], { expect: at });
  return at;
}
