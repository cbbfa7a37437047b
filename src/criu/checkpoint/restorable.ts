// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';
import type { CheckpointImage } from '../image/checkpoint-image.js';
import { validateCheckpointImage } from '../image/validate.js';
import { checkEntries, limitsOfSpec, type ProcessSpec } from '../resources/attributes.js';

/**
 * Refuses a checkpoint whose image a restore by the same spec would refuse, by the rules of the restore:
 * whatever no rule of the checkpoint has seen.
 *
 * @throws ShimError `failedPrecondition`
 */
export function checkRestorable(image: CheckpointImage, spec: ProcessSpec | undefined): void {
  try {
    validateCheckpointImage(image);
    checkEntries(image, limitsOfSpec(spec));
  } catch (cause) {
    const { kind, message } = ShimError.from(cause);
    if (kind !== 'dataLoss') throw cause;
    throw new ShimError('failedPrecondition', `it could not be restored: ${message}`, { cause });
  }
}
