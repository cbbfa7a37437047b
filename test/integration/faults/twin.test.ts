// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { Yard } from './harness.js';
import { PROGRAMS, takeSnapshots, wishesOf } from './instants.js';
import { vasLeftoversInTheEnd } from './leftovers.js';

/**
 * Checkpoints of a program that changes its memory all the time, copied from twins, and restores of them.
 * MVAS_TWIN_SECONDS is the duration of each test, MVAS_TWIN_SEED the seed.
 */
const { seconds: SECONDS, seed: SEED } = wishesOf('TWIN');

const yard = new Yard();

test.after.always('nothing is left of any VAS', async (t) => {
  t.deepEqual(await vasLeftoversInTheEnd(yard), []);
  yard.close();
});

for (const [how, settings] of Object.entries(PROGRAMS)) {
  test.serial(`memory written to ${how} is of one instant in a twin, seed ${String(SEED)}`, (t) =>
    takeSnapshots(t, {
      ...{ yard, settings, seed: SEED, seconds: SECONDS },
      env: { MVAS_TWIN: 'always' },
      isSo: ({ twins }) => Number(twins ?? 0) > 0,
    }),
  );
}
