// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { freeze, isFrozen, thaw, type Cgroup } from '../../../src/common/cgroup.js';
import { CHECKPOINT_STAGES } from '../../../src/criu/stages.js';
import { differences } from '../../helpers/targets-view.js';
import { Counter, isOurMemory, listed, mvas, Yard } from './harness.js';
import { vasLeftoversInTheEnd } from './leftovers.js';

/**
 * A checkpoint that fails after a stage leaves the container as it found it, running or frozen, and nothing else. One
 * that is killed leaves no memory unless it is complete; `mvas ls` shows the rest of its VAS, and `mvas rm` removes
 * it.
 */
/** After the last stage there is nothing to undo. */
const STAGES = Object.keys(CHECKPOINT_STAGES).filter((stage) => stage !== 'kill');
/** Moments between stages: when our memory is in, and out of, some of the processes. */
const MOMENTS = ['inject', 'leave'];

/** After a kill the keeper freezes the container again: within milliseconds; the rest allows for a very busy machine. */
const HOME_MS = 10_000;
const FROZEN_AGAIN_MS = 10_000;

const yard = new Yard();

test.after.always('nothing is left of any VAS', async (t) => {
  t.deepEqual(await vasLeftoversInTheEnd(yard), []);
  yard.close();
});

test.serial('the next checkpoint takes out the memory that a killed one has left', async (t) => {
  await withCounter(t, async (counter) => {
    const before = await counter.run.view();
    const kill = async () => {
      await mvas(counter.checkpointArgs(counter.newImage()), { fault: 'inject:kill' });
      await counter.countsOn();
    };
    await kill();
    const left = differences(before, await counter.run.view(), []);
    t.true(left.length > 0 && left.every((problem) => isOurMemory(problem)), left.join('\n'));
    await kill();
    const again = differences(before, await counter.run.view(), []);
    t.deepEqual(again.map(countLines), left.map(countLines), 'it does not become more');

    const result = await mvas(counter.checkpointArgs(counter.newImage()));
    t.is(result.status, 0, result.stderr);
    await counter.countsOn();
    t.deepEqual(differences(before, await counter.run.view(), []), []);
  });
});

test.serial('a checkpoint of what a killed one has left frozen half-way', async (t) => {
  await withCounter(t, async (counter) => {
    const before = await counter.run.view();
    const cgroup = await counter.cgroup();
    await freeze(cgroup);
    await mvas(counter.checkpointArgs(counter.newImage()), { fault: 'inject:kill' });
    await frozenAgain(cgroup, true);
    const result = await mvas(counter.checkpointArgs(counter.newImage()));
    t.is(result.status, 0, result.stderr);
    thaw(cgroup);
    await counter.countsOn();
    // If threads were still on their way home, this checkpoint finds what is left.
    t.is((await mvas(counter.checkpointArgs(counter.newImage()))).status, 0);
    await counter.countsOn();
    t.deepEqual(differences(before, await counter.run.view(), []), []);
  });
});

for (const wasFrozen of [false, true]) {
  const found = wasFrozen ? 'frozen' : 'running';

  test.serial(`a checkpoint that fails leaves the container ${found}`, async (t) => {
    await withCounter(t, async (counter) => {
      for (const stage of STAGES) {
        await t.notThrowsAsync(failAfter(t, counter, { stage, wasFrozen }), stage);
      }
    });
  });

  test.serial(`a checkpoint that is killed leaves the container ${found}`, async (t) => {
    await withCounter(t, async (counter) => {
      for (const stage of [...STAGES, ...MOMENTS]) {
        await t.notThrowsAsync(killAfter(t, counter, { stage, wasFrozen }), stage);
      }
    });
  });
}

interface Case {
  readonly stage: string;
  readonly wasFrozen: boolean;
}

async function withCounter(
  t: ExecutionContext,
  use: (counter: Counter) => Promise<void>,
): Promise<void> {
  t.timeout(120_000);
  const counter = new Counter(yard);
  t.teardown(() => counter.close(!t.passed));
  await counter.start();
  await use(counter);
  await counter.countsOn();
  t.is(await counter.run.go(), 'PASS');
}

async function failAfter(t: ExecutionContext, counter: Counter, { stage, wasFrozen }: Case) {
  const imagePath = counter.newImage();
  const problems = await undisturbed(counter, wasFrozen, async () => {
    const result = await mvas(counter.checkpointArgs(imagePath), { fault: stage });
    t.not(result.status, 0, `${stage}: the checkpoint fails`);
    t.regex(result.stderr, /fault injected/, stage);
    t.false(existsSync(imagePath), `${stage}: no image is left`);
    t.deepEqual(await listed(), [], `${stage}: no VAS is left`);
  });
  t.deepEqual(problems, [], stage);
}

async function killAfter(t: ExecutionContext, counter: Counter, { stage, wasFrozen }: Case) {
  const imagePath = counter.newImage();
  const problems = await undisturbed(counter, wasFrozen, async () => {
    const result = await mvas(counter.checkpointArgs(imagePath), { fault: `${stage}:kill` });
    t.true(
      result.status === 137 || result.status === 255,
      `${stage}: killed (${String(result.status)})`,
    );
  });
  t.deepEqual(
    problems.filter((problem) => !isOurMemory(problem)),
    [],
    stage,
  );
  const left = await listed();
  t.is(left.length, 1, `${stage}: the VAS is listed`);
  for (const { id, state } of left) {
    t.is(state, stage === 'commit' ? 'complete' : 'lost', stage);
    t.is((await mvas(['rm', id])).status, 0, `${stage}: the VAS can be removed`);
  }
  t.deepEqual(await listed(), [], `${stage}: the VAS has been removed`);
}

/** A thread that is frozen on its way home goes the rest of the way when it is thawed. */
async function lastingDifferences(
  counter: Counter,
  before: Awaited<ReturnType<Counter['run']['view']>>,
): Promise<string[]> {
  const end = performance.now() + HOME_MS;
  for (;;) {
    const found = differences(before, await counter.run.view(), []);
    if (found.every(isOurMemory) || performance.now() > end) return found;
    await delay(1);
  }
}

/** Runs `disturb`; resolves with what has changed. */
async function undisturbed(
  counter: Counter,
  wasFrozen: boolean,
  disturb: () => Promise<void>,
): Promise<string[]> {
  await counter.countsOn();
  const cgroup = await counter.cgroup();
  if (wasFrozen) await freeze(cgroup);
  const before = await counter.run.view();
  await disturb();
  const problems = wasFrozen ? [] : differences(before, await counter.run.view(), []);
  await frozenAgain(cgroup, wasFrozen);
  if (isFrozen(cgroup) !== wasFrozen)
    problems.push(`the container is ${wasFrozen ? 'not ' : ''}frozen`);
  if (wasFrozen && !(await counter.stands())) problems.push('the counter counts on in a freezer');
  if (wasFrozen) {
    thaw(cgroup);
    problems.push(...(await lastingDifferences(counter, before)));
  }
  await counter.countsOn();
  return problems;
}

async function frozenAgain(cgroup: Cgroup, wanted: boolean): Promise<void> {
  const end = performance.now() + FROZEN_AGAIN_MS;
  while (isFrozen(cgroup) !== wanted && performance.now() < end) await delay(1);
}

function countLines(text: string): number {
  return text.split('\n').length;
}
