// SPDX-License-Identifier: Apache-2.0
import type { ImageRules } from '../image/validate.js';
import { validateMemory } from '../memory/validate.js';
import { ATTRIBUTE_RULES } from './attributes.js';
import { checkIpcImage } from './ipc/check-image.js';
import { FILE_KINDS } from './files/index.js';

/** The rules for everything that an image may have. */
export const IMAGE_RULES: ImageRules = {
  kinds: FILE_KINDS,
  attributes: ATTRIBUTE_RULES,
  ipc: checkIpcImage,
  memory: validateMemory,
};
