// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { hasAsyncWriteTracking } from '../../../src/native/kernel-facts.js';
import { Yard } from './harness.js';
import { PROGRAMS, takeSnapshots, wishesOf } from './instants.js';
import { vasLeftoversInTheEnd } from './leftovers.js';

/**
 * Checkpoints, with pre-copy, of a program that changes its memory all the time, and restores of them: the program
 * detects memory that is not of one instant. MVAS_PRE_COPY_SECONDS is the duration of each test, MVAS_PRE_COPY_SEED
 * the seed.
 */
const { seconds: SECONDS, seed: SEED } = wishesOf('PRE_COPY');

const run = hasAsyncWriteTracking() ? test.serial : test.serial.skip;
const yard = new Yard();

test.after.always('nothing is left of any VAS', async (t) => {
  t.deepEqual(await vasLeftoversInTheEnd(yard), []);
  yard.close();
});

for (const [how, settings] of Object.entries(PROGRAMS)) {
  run(`memory copied while it is written to ${how} is of one instant, seed ${String(SEED)}`, (t) =>
    takeSnapshots(t, {
      ...{ yard, settings, seed: SEED, seconds: SECONDS },
      env: { MVAS_PRE_COPY: 'always' },
      isSo: ({ preCopy }) => ((preCopy ?? { bytes: 0 }) as { bytes: number }).bytes > 0,
    }),
  );
}
