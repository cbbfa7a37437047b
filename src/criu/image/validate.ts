// SPDX-License-Identifier: Apache-2.0
import type { ImageMemory } from '../memory/of-image.js';
import type { CheckpointImage } from './checkpoint-image.js';
import type { EntryKind } from './entry-kind.js';
import { FOREIGN_KINDS } from './foreign-kinds.js';
import { validateFiles } from './validate-files.js';
import { validateGhosts } from './validate-ghosts.js';
import { validateStops } from './validate-stops.js';
import { validateTasks, type AttributeRules } from './validate-tasks.js';

/** Rules that stand with what they are about. */
export interface ImageRules {
  /** All kinds of files; any other type is refused. */
  readonly kinds: readonly EntryKind[];
  readonly attributes: AttributeRules;
  /** Checks all address spaces, and says what they are. */
  readonly memory: (image: CheckpointImage) => ImageMemory;
}

declare const VALID: unique symbol;

/** A checkpoint that {@link validateImage} has accepted: plans rely on it. */
export type ValidImage = CheckpointImage & {
  readonly memory: ImageMemory;
  readonly [VALID]: true;
};

/**
 * Checks that a decoded checkpoint is one that could have been taken: processes form one tree under
 * pid 1, every reference resolves, addresses and numbers are in their ranges. Only after this may an
 * image steer a restore. Pure.
 *
 * @returns the same image, and its memory
 * @throws ShimError `dataLoss` naming the process or file and what is wrong with it.
 */
export function validateImage(image: CheckpointImage, rules: ImageRules): ValidImage {
  validateTasks(image, rules.attributes);
  validateStops(image);
  validateFiles(image, [...rules.kinds, ...FOREIGN_KINDS]);
  validateGhosts(image);
  return { ...image, memory: rules.memory(image) } as ValidImage;
}
