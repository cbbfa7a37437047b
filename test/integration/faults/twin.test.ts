// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { Yard } from './harness.js';
import { takeSnapshots } from './instants.js';
import { vasLeftoversInTheEnd } from './leftovers.js';

/**
 * Checkpoints of a program that changes its memory all the time, copied from twins, and restores of them.
 * MVAS_TWIN_SECONDS is the duration of each test, MVAS_TWIN_SEED the seed.
 */
const SECONDS = Number(process.env['MVAS_TWIN_SECONDS'] ?? 10);
const SEED = Number(process.env['MVAS_TWIN_SEED'] ?? Date.now() % 1_000_000);

const yard = new Yard();

test.after.always('nothing is left of any VAS', async (t) => {
  t.deepEqual(await vasLeftoversInTheEnd(yard), []);
  yard.close();
});

/** Programs by what they have. */
const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  'by threads': [],
  'by threads, much of it': ['BULK=10000'],
  'by children': ['CHILDREN=12', 'BULK=1000'],
};

for (const [how, settings] of Object.entries(PROGRAMS)) {
  test.serial(`memory written to ${how} is of one instant in a twin, seed ${String(SEED)}`, (t) =>
    takeSnapshots(t, {
      ...{ yard, settings, seed: SEED, seconds: SECONDS },
      env: { MVAS_TWIN: 'always' },
      isSo: ({ twins }) => Number(twins ?? 0) > 0,
    }),
  );
}
