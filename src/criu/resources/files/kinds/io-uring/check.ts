// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../../../../common/errors.js';
import { O } from '../../../../../native/abi/index.js';
import { IORING_OFFSET, IORING_SETUP } from '../../../../../native/io-uring.js';
import type { MvasIoUringEntry } from '../../../../image/types.js';
import { entryBytes, placesOf, type RingShape, shapesOf } from './layout.js';

/** Each takes some 60 ns at a restore. */
export const MAX_REQUESTS = 1 << 26;
/** IORING_MAX_ENTRIES and IORING_MAX_CQ_ENTRIES of io_uring.c. */
const MOST = { sqEntries: 32_768, cqEntries: 65_536 } as const;

/** An image's io_uring is one that can be, and its memory says of it what the image says. Throws ShimError `dataLoss`. */
export function checkRing(entry: MvasIoUringEntry, what: string): void {
  const { flags, sq_entries: sqEntries, cq_entries: cqEntries, requests } = entry;
  if (flags & O.path) badImage(`${what}: an io_uring is not opened by O_PATH`);
  if (entry.setup_flags & ~IORING_SETUP.noArray) badImage(`${what}: unknown flags of an io_uring`);
  const isPossible =
    isPower(sqEntries, MOST.sqEntries) &&
    isPower(cqEntries, MOST.cqEntries) &&
    cqEntries >= sqEntries;
  if (!isPossible) badImage(`${what}: an impossible size of an io_uring`);
  if (requests > MAX_REQUESTS) badImage(`${what}: too many requests of an io_uring`);
  const shape = shapeOfEntry(entry);
  if (!shape || entry.entries.length !== entryBytes(shape)) {
    badImage(`${what}: the memory of an io_uring has another size`);
  }
  checkHeads(entry, shape, what);
}

/** The shape that its memory has; undefined if there is none. */
export function shapeOfEntry(entry: MvasIoUringEntry): RingShape | undefined {
  const hasArray = (entry.setup_flags & IORING_SETUP.noArray) === 0;
  const shapes = shapesOf(entry.sq_entries, entry.cq_entries, entry.rings.length);
  return shapes.find((shape) => shape.hasArray === hasArray);
}

/** Whether an io_uring can be mapped at an offset. */
export function canMapRingAt(offset: bigint): boolean {
  const { rings, completions, entries } = IORING_OFFSET;
  return offset === rings || offset === completions || offset === entries;
}

function checkHeads({ rings, requests }: MvasIoUringEntry, shape: RingShape, what: string): void {
  const places = placesOf(shape.header);
  if (!places) badImage(`${what}: the memory of an io_uring has another size`);
  const memory = Buffer.from(rings.buffer, rings.byteOffset, rings.byteLength);
  const [head, tail] = [memory.readUInt32LE(places.cqHead), memory.readUInt32LE(places.cqTail)];
  const taken = memory.readUInt32LE(places.sqHead);
  if (taken !== requests || tail !== requests || head > tail || tail - head > shape.cqEntries) {
    badImage(`${what}: the counts of an io_uring contradict each other`);
  }
}

function isPower(value: number, most: number): boolean {
  return value > 0 && value <= most && (value & (value - 1)) === 0;
}
