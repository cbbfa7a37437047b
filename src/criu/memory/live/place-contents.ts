// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../../common/errors.js';
import type { Layout } from '../layout.js';
import type { FoundObject, MemoryMap, SharedObject } from '../memory-map.js';
import { findHole, Park } from '../park.js';
import type { Range } from '../ranges.js';
import { looseObject } from './shared-objects.js';

/** A file without a name, whose content is to lie in a VAS. */
export interface LiveContent {
  /** The id that an image has for it. */
  readonly id: number;
  /** Leads to it. */
  readonly path: string;
}

/**
 * Finds what files without a name contain, and places it apart from all other memory: which files there are is known
 * only once that has its places.
 *
 * @throws ShimError `failedPrecondition` if there is no room
 */
export function placeContents(
  contents: readonly LiveContent[],
  { maps, layout }: { readonly maps: readonly MemoryMap[]; readonly layout: Layout },
): SharedObject[] {
  if (contents.length === 0) return [];
  const found = contents.map(({ id, path }) => looseObject(BigInt(id), { path }));
  const taken: Range[] = [
    ...maps.flatMap(({ areas }) => areas),
    { start: layout.base, end: layout.end },
  ];
  const size = place(found, 0n).end;
  const start = findHole(taken, size) ?? refuse(size);
  return place(found, start).objects;
}

function place(
  found: readonly FoundObject[],
  start: bigint,
): { readonly objects: SharedObject[]; readonly end: bigint } {
  const park = new Park(start);
  const objects = found.map((object) => {
    return { ...object, place: park.place({ start: 0n, end: object.size }) };
  });
  return { objects, end: park.end };
}

function refuse(size: bigint): never {
  const room = `${String(size >> 30n)} GiB of free addresses`;
  const message = `deleted files and memfds: the processes leave no room for ${room}`;
  throw new ShimError('failedPrecondition', `${message}; remedy: close or shrink them`);
}
