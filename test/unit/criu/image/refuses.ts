// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { ShimError } from '../../../../src/common/errors.js';
import type { CheckpointImage } from '../../../../src/criu/image/checkpoint-image.js';
import { validateImage } from '../../../../src/criu/image/validate.js';
import { IMAGE_RULES } from '../../../../src/criu/resources/rules.js';
import { sampleImage } from '../../../../src/criu/restore/rehearsal/sample-image.js';
import { sampleIpc } from './sample-ipc.js';

/** What makes a sample wrong. */
export type Change = (image: CheckpointImage) => Partial<CheckpointImage>;

/** Tests that a changed sample is refused. */
export function refuses(what: string, message: RegExp, change: Change): void {
  test(`refuses ${what}`, (t) => {
    const image = { ...sampleImage(), ...sampleIpc() };
    const error = t.throws(
      () => {
        validateImage({ ...image, ...change(image) }, IMAGE_RULES);
      },
      { instanceOf: ShimError, message },
    );
    t.is(error.kind, 'dataLoss');
  });
}
