// SPDX-License-Identifier: Apache-2.0
import type { ImageMemory } from '../memory/of-image.js';
import type { CheckpointImage } from './checkpoint-image.js';
import type { EntryKind } from './entry-kind.js';
import { FOREIGN_KINDS } from './foreign-kinds.js';
import { validateFiles } from './validate-files.js';
import { validateGhosts } from './validate-ghosts.js';
import { validateStops } from './validate-stops.js';
import { validateTasks, type AttributeRules } from './validate-tasks.js';

/** Rules that are defined next to what they are about. */
export interface ImageRules {
  /** All kinds of files; any other type is refused. */
  readonly kinds: readonly EntryKind[];
  readonly attributes: AttributeRules;
  /** Checks the System V objects. */
  readonly ipc: (image: CheckpointImage) => void;
  /** Checks all address spaces, and returns what they are. */
  readonly memory: (image: CheckpointImage, kinds: readonly EntryKind[]) => ImageMemory;
}

declare const VALID: unique symbol;

/** What {@link validateImage} has accepted, or {@link partOf} has derived from it: plans take nothing else. */
export type Valid<T> = T & { readonly [VALID]: true };

/** A valid checkpoint, and its memory. */
export type ValidImage = Valid<CheckpointImage & { readonly memory: ImageMemory }>;

/**
 * An image whose validation is still to come, for a plan that is thrown away if that fails.
 *
 * @param memory what its memory is
 */
export function presumeValid(image: CheckpointImage, memory: ImageMemory): ValidImage {
  return { ...image, memory } as ValidImage;
}

/** The part of a valid image that a plan needs, in the form that it needs. */
export function partOf<T>(image: ValidImage, take: (image: ValidImage) => T): Valid<T> {
  return take(image) as Valid<T>;
}

/**
 * Checks that a decoded checkpoint is one that could have been taken: processes form one tree under pid 1, every
 * reference resolves, addresses and numbers are in their ranges. Only then may an image steer a restore. Pure.
 *
 * @returns the same image, and its memory
 * @throws ShimError `dataLoss` naming the process or file and what is wrong with it
 */
export function validateImage(image: CheckpointImage, rules: ImageRules): ValidImage {
  validateTasks(image, rules.attributes);
  validateStops(image);
  const kinds = [...rules.kinds, ...FOREIGN_KINDS];
  validateFiles(image, kinds);
  validateGhosts(image);
  rules.ipc(image);
  return { ...image, memory: rules.memory(image, kinds) } as ValidImage;
}
