// SPDX-License-Identifier: Apache-2.0
import {
  MAP_FIXED,
  MAP_SHARED,
  MREMAP_MOVE_FIXED,
  PROT_READ_WRITE,
  SYS,
} from '../../native/abi/index.js';
import type { MappedRing } from '../image/entry-kind.js';
import { RING_PLACE } from '../plan/abi.js';
import type { Sequence } from '../plan/sequence.js';
import { rangeOf, type MappedArea } from './memory-map.js';
import { protect } from './place-area.js';

/** A stretch of a mapping that lies in one piece in the new ring. */
export interface RingPiece {
  /** Offset in the mapping. */
  readonly at: bigint;
  /** Offset in the new ring. */
  readonly from: bigint;
  readonly length: bigint;
}

/** Where in a new ring the bytes are that had an offset and a length in the old one. */
export function piecesOf({ size, head }: MappedRing, offset: bigint, length: bigint): RingPiece[] {
  const from = (offset - head + size) % size;
  const first = length < size - from ? length : size - from;
  const pieces = [{ at: 0n, from, length: first }];
  if (first < length) pieces.push({ at: first, from: 0n, length: length - first });
  return pieces;
}

/** A ring can be mapped only whole: it is mapped elsewhere, and what belongs here is moved. */
export function placeRing(
  area: MappedArea,
  { ring, fd, base }: { readonly ring: MappedRing; readonly fd: number; readonly base: bigint },
  sequence: Sequence,
): void {
  const what = () => `map a ring at ${rangeOf(area)}`;
  const whole = base + RING_PLACE;
  for (const { at, from, length } of piecesOf(ring, area.offset, area.end - area.start)) {
    const args = [whole, ring.size, PROT_READ_WRITE, MAP_SHARED | MAP_FIXED, fd, 0];
    sequence.syscall(what, SYS.mmap, args, { expect: whole });
    const to = area.start + at;
    const move = [whole + from, length, length, MREMAP_MOVE_FIXED, to];
    sequence.syscall(what, SYS.mremap, move, { expect: to });
    sequence.syscall(what, SYS.munmap, [whole, ring.size]);
  }
  protect(area, PROT_READ_WRITE, sequence);
}
