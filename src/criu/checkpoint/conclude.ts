// SPDX-License-Identifier: Apache-2.0
import { setImmediate as turn } from 'node:timers/promises';
import { mark } from '../../common/trace.js';
import type { VasId } from '../../common/ids.js';
import { faultPoint } from '../faults.js';
import { writeAllButInventory } from '../image/checkpoint-image.js';
import type { ImageWriter } from '../image/image-writer.js';
import { writeTmpfs } from '../image/tmpfs-files.js';
import type { MemorySource } from '../memory/live/source.js';
import type { KernelArea } from '../memory/memory-plan.js';
import { warnOfSurroundings } from '../resources/surroundings.js';
import type { CheckpointRequest } from './request.js';
import { tryRestore } from './restorable.js';
import type { Stopped } from './stop.js';

/** The image of a checkpoint, and what is being written of it. */
export interface NewImage {
  readonly writer: ImageWriter;
  written: Promise<void>;
}

/** What an image is made of, and what its restore is planned with. */
export interface Conclusion extends Pick<Stopped, 'collection' | 'mounts' | 'execs'> {
  readonly vasId: VasId;
  readonly source: Pick<MemorySource, 'backend'>;
  readonly kernelAreas: readonly KernelArea[];
}

/**
 * Begins to write the image of a container, and plans its restore.
 *
 * @throws ShimError `failedPrecondition` if it could not be restored
 */
export async function concludeImage(
  request: CheckpointRequest,
  image: NewImage,
  { collection, mounts, execs, ...where }: Conclusion,
): Promise<void> {
  mark('conclude');
  const trial = tryRestore({ ...collection, ...where, mounts, spec: request.spec }, execs);
  mark('forked copy');
  try {
    image.written = writeFiles(image.writer, collection);
    void settled(image.written); // Whoever waits for the end of it is told of an error.
    await turn();
    mark('turned');
    faultPoint('conclude');
    warnOfSurroundings(request.initPid, request);
    await trial.outcome();
    mark('outcome');
  } finally {
    void trial.giveUp(); // Nobody need wait for the end of a copy.
  }
}

async function writeFiles(
  writer: ImageWriter,
  { image, tmpfs }: Stopped['collection'],
): Promise<void> {
  await writeAllButInventory(writer, image);
  mark('written');
  await writeTmpfs(writer, tmpfs);
}

/** Waits until some work ends, however it ends; its error is reported elsewhere. */
export async function settled(work: Promise<unknown>): Promise<void> {
  await work.catch(() => undefined);
}
