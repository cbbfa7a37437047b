// SPDX-License-Identifier: Apache-2.0
import type { CheckpointImage } from './checkpoint-image.js';
import { validateFiles } from './validate-files.js';
import { validateInodes } from './validate-inodes.js';
import { validateMemory } from './validate-memory.js';
import { validateStops } from './validate-stops.js';
import { validateTasks } from './validate-tasks.js';

/**
 * Checks that a decoded checkpoint is one that could have been taken: processes form one tree under
 * pid 1, every reference resolves, addresses and numbers are in their ranges. Only after this may an
 * image steer a restore. Pure.
 *
 * @throws ShimError `dataLoss` naming the process or file and what is wrong with it.
 */
export function validateCheckpointImage(image: CheckpointImage): void {
  validateTasks(image);
  validateStops(image);
  validateFiles(image);
  validateInodes(image);
  validateMemory(image);
}
