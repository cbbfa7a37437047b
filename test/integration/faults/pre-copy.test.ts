// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { hasAsyncWriteTracking } from '../../../src/native/kernel-facts.js';
import { Counter, mvas, textOf, Yard } from './harness.js';
import { vasLeftoversInTheEnd } from './leftovers.js';

/**
 * Checkpoints, with pre-copy, of a program that changes its memory all the time, and restores of them: the program
 * detects memory that is not of one instant. MVAS_PRE_COPY_SECONDS is the duration of each test, MVAS_PRE_COPY_SEED
 * the seed.
 */
const SECONDS = Number(process.env['MVAS_PRE_COPY_SECONDS'] ?? 10);
const SEED = Number(process.env['MVAS_PRE_COPY_SEED'] ?? Date.now() % 1_000_000);

const run = hasAsyncWriteTracking() ? test.serial : test.serial.skip;
const yard = new Yard();

test.after.always('nothing is left of any VAS', async (t) => {
  t.deepEqual(await vasLeftoversInTheEnd(yard), []);
  yard.close();
});

/** Programs by what they have: threads, enough memory to be protected while they run, children that stay. */
const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  'by threads': [],
  'by threads, much of it': ['BULK=10000'],
  'by children': ['CHILDREN=12', 'BULK=1000'],
};

for (const [how, settings] of Object.entries(PROGRAMS)) {
  run(`memory copied while it is written to ${how} is of one instant, seed ${String(SEED)}`, (t) =>
    takeSnapshots(t, settings),
  );
}

async function takeSnapshots(t: ExecutionContext, settings: readonly string[]): Promise<void> {
  t.timeout(120_000 + SECONDS * 5_000);
  process.env['MVAS_PRE_COPY'] = 'always';
  t.teardown(() => delete process.env['MVAS_PRE_COPY']);
  const env = [`SEED=${String(SEED)}`, ...settings];
  const churn = new Counter(yard, { binary: yard.compile('churn'), env });
  t.teardown(() => churn.close(!t.passed));
  await churn.start();
  const random = randomNumbers(SEED);
  const end = performance.now() + SECONDS * 1000;
  const told = { restores: 0, checkpoints: 0, bytes: 0, rounds: 0 };
  while (performance.now() < end) {
    await delay(random() * 300);
    const leaves = random() < 0.5;
    const { imagePath, result } = await churn.run.checkpoint(leaves);
    t.is(result.status, 0, result.stderr);
    const { bytes, rounds } = recordOf(result.stdout.trim());
    told.checkpoints++;
    told.bytes += bytes;
    told.rounds += rounds;
    if (leaves) {
      await t.notThrowsAsync(churn.countsOn(1n), 'goes on beside its checkpoint');
      if (random() < 0.5) {
        await mvas(['rm', '--force', result.stdout.trim()]);
        continue;
      }
      process.kill(await churn.run.initPid(), 'SIGKILL');
    }
    await churn.run.restore(imagePath);
    told.restores++;
    await t.notThrowsAsync(churn.countsOn(2n), 'goes on from its checkpoint');
  }
  t.is(await churn.run.go(), 'PASS');
  t.true(told.bytes > 0, 'bytes copied while it ran');
  t.log(JSON.stringify(told));
}

/** What of a VAS was copied while its container ran. */
function recordOf(id: string): { readonly bytes: number; readonly rounds: number } {
  const text = textOf(join(yard.vasRoot, id, 'vas.json'));
  const record = JSON.parse(text) as { preCopy?: { bytes: number; rounds: number } };
  return record.preCopy ?? { bytes: 0, rounds: 0 };
}

/** The same numbers in [0, 1) for the same seed (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
