// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../common/errors.js';
import { PAGE } from '../../native/abi/index.js';
import type { CheckpointImage } from '../image/checkpoint-image.js';
import { VMA_STATUS } from '../image/constants.js';
import type { VmaEntry } from '../image/types.js';

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
    for (const vma of vmas) {
      if ((vma.status & VMA_STATUS.anonShared) !== 0) checkShared(vma, objects, end);
      else if (vma.mvas_size !== undefined) badImage(`${describe(vma)} has the size of an object`);
    }
  }
  for (const [id, { park = 0n, size = 0n, reach }] of objects) {
    const half = size > reach ? size : reach;
    if (park + 2n * half > end) badImage(`shared memory ${String(id)} has no room in the park`);
  }
}

function checkShared(vma: VmaEntry, objects: Map<bigint, Told>, end: bigint): void {
  checkNumbers(vma, end);
  const { shmid, mvas_park: park, mvas_size: size } = vma;
  const reach = vma.pgoff + (vma.end - vma.start);
  const told = objects.get(shmid) ?? { park, size: undefined, reach };
  if (told.park !== park) badImage(`${describe(vma)}: what it maps lies elsewhere, too`);
  if (told.size !== undefined && size !== undefined) {
    badImage(`${describe(vma)}: what it maps has a second size`);
  }
  told.size ??= size;
  if (told.reach < reach) told.reach = reach;
  objects.set(shmid, told);
}

function checkNumbers(vma: VmaEntry, end: bigint): void {
  const { pgoff, mvas_size: size = PAGE } = vma;
  if (pgoff % PAGE !== 0n || pgoff >= end) badImage(`${describe(vma)} has a bad offset`);
  if (size % PAGE !== 0n || size === 0n || size >= end) {
    badImage(`${describe(vma)} maps an object of an impossible size`);
  }
}

function describe({ start, end }: VmaEntry): string {
  return `check shared memory ${start.toString(16)}-${end.toString(16)}`;
}
