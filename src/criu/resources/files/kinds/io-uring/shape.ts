// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import {
  COMPLETION_BYTES,
  hasPage,
  IORING_OFFSET,
  mapsBeyond,
  type RingMemory,
  SUBMISSION_BYTES,
} from '../../../../../native/io-uring.js';
import { ringHeader } from '../../../../../native/kernel-facts.js';
import {
  arrayAt,
  entryBytes,
  hasOddUnit,
  isZero,
  placesOf,
  ringBytes,
  type RingPlaces,
  type RingShape,
} from './layout.js';

const PAGE_BYTES = 4096;
/** An operation whose arguments fill a wide entry (IORING_OP_URING_CMD). */
const URING_CMD = 46;

/** The memory of an io_uring that stands still. */
export interface StillRing {
  readonly own: number;
  readonly memory: RingMemory;
  readonly rings: Buffer;
  readonly entries: Buffer;
  /** Requests that have been taken. */
  readonly taken: number;
}

/**
 * What an io_uring with so many entries may be, judged by the sizes of its memory; it must be tried in this order. Empty
 * if its entries are wide (IORING_SETUP_SQE128, IORING_SETUP_CQE32).
 */
export function possibleShapes(own: number, sqEntries: number, cqEntries: number): RingShape[] {
  const header = ringHeader();
  if (!placesOf(header) || !isAsLarge(own, IORING_OFFSET.entries, entryBytes({ sqEntries })))
    return [];
  return [true, false]
    .map((hasArray) => ({ sqEntries, cqEntries, header, hasArray }))
    .filter((shape) => isAsLarge(own, IORING_OFFSET.rings, ringBytes(shape)));
}

/** Whether memory of an io_uring has as many pages as some bytes need; kernels that do not map beyond them round these up. */
function isAsLarge(own: number, offset: bigint, bytes: number): boolean {
  const pages = mapsBeyond(own, offset) ? pagesOf(bytes) : roundedPages(bytes);
  return hasPage(own, offset, pages - 1) && !hasPage(own, offset, pages);
}

function pagesOf(bytes: number): number {
  return Math.ceil(bytes / PAGE_BYTES);
}

function roundedPages(bytes: number): number {
  return 2 ** Math.ceil(Math.log2(pagesOf(bytes)));
}

/** Whether there is an array, and whether entries are 64 bytes: undefined where nothing tells. */
interface Told {
  readonly hasArray: boolean;
  readonly isNarrow: boolean | undefined;
}

/**
 * Finds out which of some shapes an io_uring has; a text if none of them is certain to be its own. While it is looked
 * at, the head of its submissions is behind. Only its users read that, and the kernel writes it at the next submission.
 */
export function shapeOf(ring: StillRing, shapes: readonly RingShape[]): RingShape | string {
  const [first] = shapes;
  const places = first && placesOf(first.header);
  if (!places) return 'that has wide entries (IORING_SETUP_SQE128, IORING_SETUP_CQE32)';
  const told = askFdinfo(ring, places, first);
  const shape = shapes.find(({ hasArray }) => hasArray === told.hasArray);
  if (!shape) return 'whose memory is of another size';
  if (told.isNarrow === false) return 'that has wide entries (IORING_SETUP_SQE128)';
  if (!shape.hasArray && !isZero(ring.rings.subarray(ringBytes(shape)))) {
    return 'whose array cannot be read';
  }
  const isCertain = (told.isNarrow ?? false) || hasNarrowEntries(ring, shape);
  if (isCertain && hasNarrowCompletions(ring, shape)) return shape;
  return 'of which nothing tells yet whether its entries are wide (IORING_SETUP_SQE128, IORING_SETUP_CQE32)';
}

/** Has fdinfo list the last submissions again: it follows the array if there is one, and shows all of a wide entry. */
function askFdinfo(ring: StillRing, places: RingPlaces, shape: RingShape): Told {
  const head = ring.rings.readUInt32LE(places.sqHead);
  const back = ((ring.taken - 1) & (shape.sqEntries - 1)) === 0 ? 2 : 1;
  let text: string;
  ring.memory.write(places.sqHead, ring.taken - back);
  try {
    text = readFileSync(`/proc/self/fdinfo/${String(ring.own)}`, 'utf8');
  } finally {
    ring.memory.write(places.sqHead, head);
  }
  const [listed, index] = /^ *(\d+): opcode:.*$/m.exec(text) ?? [];
  if (listed === undefined) return { hasArray: false, isNarrow: undefined };
  // The entry is not the first one: an array of zeros would have led there.
  const isDirect = index !== '0' && isZero(ring.rings.subarray(arrayAt(shape)));
  return { hasArray: !isDirect, isNarrow: !listed.includes(' e0:') };
}

function hasNarrowEntries({ entries }: StillRing, shape: RingShape): boolean {
  const bytes = entryBytes(shape);
  if (roundedPages(bytes) !== roundedPages(2 * bytes) && pagesOf(bytes) !== pagesOf(2 * bytes))
    return true;
  for (let at = 0; at < bytes; at += 2 * SUBMISSION_BYTES)
    if (entries[at] === URING_CMD) return false;
  return hasOddUnit(entries, SUBMISSION_BYTES);
}

function hasNarrowCompletions({ rings }: StillRing, shape: RingShape): boolean {
  const [narrow, wide] = [ringBytes(shape), ringBytes(shape, 2 * COMPLETION_BYTES)];
  if (roundedPages(narrow) !== roundedPages(wide)) return true;
  const array = rings.subarray(arrayAt(shape), narrow);
  if (shape.hasArray && !isZero(array) && isZero(rings.subarray(narrow))) return true;
  return hasOddUnit(rings.subarray(shape.header, arrayAt(shape)), COMPLETION_BYTES);
}
