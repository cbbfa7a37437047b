// SPDX-License-Identifier: Apache-2.0
import type { CheckpointImage } from './checkpoint-image.js';
import type { EntryKind } from './entry-kind.js';
import { FOREIGN_KINDS } from './foreign-kinds.js';
import { validateFiles } from './validate-files.js';
import { validateGhosts } from './validate-ghosts.js';
import { validateMemory } from './validate-memory.js';
import { validateStops } from './validate-stops.js';
import { validateTasks } from './validate-tasks.js';

/**
 * Checks that a decoded checkpoint is one that could have been taken: processes form one tree under
 * pid 1, every reference resolves, addresses and numbers are in their ranges. Only after this may an
 * image steer a restore. Pure.
 *
 * @param kinds all kinds of files; any other type is refused
 * @throws ShimError `dataLoss` naming the process or file and what is wrong with it.
 */
export function validateCheckpointImage(image: CheckpointImage, kinds: readonly EntryKind[]): void {
  validateTasks(image);
  validateStops(image);
  validateFiles(image, [...kinds, ...FOREIGN_KINDS]);
  validateGhosts(image);
  validateMemory(image);
}
