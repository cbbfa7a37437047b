// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../common/errors.js';
import { PAGE } from '../../native/abi/index.js';
import type { CheckpointImage } from '../image/checkpoint-image.js';
import { VMA_STATUS } from '../image/constants.js';
import type { IpcShmEntry, VmaEntry } from '../image/types.js';
import { CELL, unusualOf } from '../image/vma-rows.js';
import { checkPairs } from './check-runs.js';
import { objectOfSegment, segmentOf, wholePages } from './memory-map.js';
import { isSegment, objectOf } from './of-image.js';

/** Ids of System V objects are positive ints; those of other objects are apart from them (objectOfSegment). */
const MAX_SEGMENT = 0x7fff_ffffn;
const MAX_OBJECT = (1n << 62n) - 1n;

/** What the mappings of one object say about it, taken together. */
interface Told {
  readonly park: bigint | undefined;
  size: bigint | undefined;
  reach: bigint;
}

/**
 * Checks that all mappings of a shared anonymous object, in all processes, describe the same object, and that there
 * is room for it in the park, twice.
 *
 * @param end of user memory
 * @throws ShimError `dataLoss`
 */
export function validateShared(image: CheckpointImage, end: bigint): void {
  const objects = new Map<bigint, Told>();
  for (const { vmas } of image.mms.values()) {
    for (const vma of unusualOf(vmas, isOfNoObject)) {
      if ((vma.status & VMA_STATUS.anonShared) !== 0) checkShared(vma, objects, end);
      else checkNotShared(vma);
    }
  }
  checkSegments(image, objects, end);
  for (const [id, { park = 0n, size = 0n, reach }] of objects) {
    const half = size > reach ? size : reach;
    if (park + 2n * half > end) badImage(`shared memory ${String(id)} has no room in the park`);
  }
}

/** Whether a row is right as far as objects go. */
function isOfNoObject(cells: Float64Array, at: number): boolean {
  return ((cells[at + CELL.status] ?? 0) & (VMA_STATUS.anonShared | VMA_STATUS.sysvIpc)) === 0;
}

function checkNotShared(vma: VmaEntry): void {
  if (vma.mvas_size !== undefined) badImage(`${describe(vma)} has the size of an object`);
  if (isSegment(vma)) badImage(`${describe(vma)} is a segment that is not shared`);
}

function checkShared(vma: VmaEntry, objects: Map<bigint, Told>, end: bigint): void {
  checkNumbers(vma, end);
  const { mvas_park: park, mvas_size: size } = vma;
  const reach = vma.pgoff + (vma.end - vma.start);
  const told = objects.get(objectOf(vma)) ?? { park, size: undefined, reach };
  if (told.park !== park) badImage(`${describe(vma)}: what it maps lies elsewhere, too`);
  if (told.size !== undefined && size !== undefined) {
    badImage(`${describe(vma)}: what it maps has a second size`);
  }
  told.size ??= size;
  if (told.reach < reach) told.reach = reach;
  objects.set(objectOf(vma), told);
}

/** Every segment is there once for its mappings, and lies in the VAS. */
function checkSegments(
  { segments }: CheckpointImage,
  objects: ReadonlyMap<bigint, Told>,
  end: bigint,
): void {
  const ids = new Set<bigint>();
  for (const { entry } of segments) {
    const id = objectOfSegment(BigInt(entry.desc.id));
    checkSegment(entry, objects.get(id), end);
    ids.add(id);
  }
  for (const id of objects.keys()) {
    const segment = segmentOf(id);
    if (segment !== undefined && !ids.has(id)) badImage(`segment ${String(segment)} is unknown`);
  }
}

/** Where a segment lies its mappings say or, where it has none, its own entry. */
function checkSegment(
  { desc, size, mvas_park: park, mvas_runs: runs }: IpcShmEntry,
  told: Told | undefined,
  end: bigint,
): void {
  const what = `check segment ${String(desc.id)}`;
  if (size === 0n || size >= end) badImage(`${what}: an impossible size`);
  if ((told === undefined) === (park === undefined)) badImage(`${what}: it has no one place`);
  const bytes = wholePages(size);
  if ((told?.size ?? bytes) !== bytes) badImage(`${what}: it is mapped in another size`);
  const at = park ?? 0n;
  if (at % PAGE !== 0n || at + 2n * bytes > end) badImage(`${what}: it has no room in the park`);
  checkPairs(runs, bytes / PAGE, () => what);
}

function checkNumbers(vma: VmaEntry, end: bigint): void {
  const { pgoff, shmid, mvas_size: size = PAGE } = vma;
  if (shmid > (isSegment(vma) ? MAX_SEGMENT : MAX_OBJECT)) {
    badImage(`${describe(vma)} maps what has an impossible id`);
  }
  if (pgoff % PAGE !== 0n || pgoff >= end) badImage(`${describe(vma)} has a bad offset`);
  if (size % PAGE !== 0n || size === 0n || size >= end) {
    badImage(`${describe(vma)} maps an object of an impossible size`);
  }
}

function describe({ start, end }: VmaEntry): string {
  return `check shared memory ${start.toString(16)}-${end.toString(16)}`;
}
