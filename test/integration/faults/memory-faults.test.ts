// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { differences } from '../../helpers/targets-view.js';
import { BIN } from '../../helpers/paths.js';
import { runCommand } from '../../helpers/targets-engine.js';
import { until } from '../../helpers/run.js';
import { COUNTER_STATUS, Counter, listed, mvas, Yard } from './harness.js';
import { hashHolder } from './holder-memory.js';
import { parentOf, vasLeftoversInTheEnd } from './leftovers.js';

/** What happens to containers when the memory of a VAS does not suffice, or is lost. */

const yard = new Yard();

test.after.always('nothing is left of any VAS', async (t) => {
  t.deepEqual(await vasLeftoversInTheEnd(yard), []);
  yard.close();
});

test.serial('a checkpoint that needs more memory than there is fails cleanly', async (t) => {
  const counter = await started(t);
  const imagePath = counter.newImage();
  const before = await counter.run.view();
  const result = await mvas(counter.checkpointArgs(imagePath), {
    env: { MVAS_VAS_MEMORY_LIMIT: '1048576' },
  });
  t.is(result.status, 1);
  t.regex(result.stderr, /out of memory/);
  t.deepEqual(differences(before, await counter.run.view(), []), []);
  await counter.countsOn();
  t.deepEqual(await listed(), [], 'no VAS is left');
  t.false(existsSync(imagePath), 'no image is left');
  t.is(await counter.run.go(), 'PASS');
});

test.serial('a VAS stays as it is whatever is restored from it', async (t) => {
  const { counter, imagePath, holder } = await checkpointed(t);
  const hash = hashHolder(holder);
  const count = counter.count();
  for (let round = 0; round < 3; round++) {
    await counter.delete();
    counter.setCount(count);
    await counter.run.restore(imagePath);
    await counter.countsOn(20n);
    t.is(hashHolder(holder), hash, `restore ${String(round)}`);
  }
  t.is(await counter.run.go(), 'PASS');
});

for (const victim of ['holder', 'keeper'] as const) {
  test.serial(`containers outlive the ${victim} of their VAS, their exit status too`, async (t) => {
    const { counter, imagePath, holder } = await checkpointed(t);
    const restore = await restoreAndWait(t, counter, imagePath);
    process.kill(victim === 'holder' ? holder : parentOf(holder), 'SIGKILL');
    await counter.countsOn();
    if (victim === 'holder') {
      await until('the VAS to be lost', async () => (await listed())[0]?.state === 'lost');
      const args = counter.restoreArgs(imagePath).slice(0, -1);
      const again = await mvas([...args, `${counter.id}-again`]);
      t.is(again.status, 1);
      t.regex(again.stderr, /VAS is lost/);
    }
    const { runcRoot } = counter.run.place;
    t.is((await runCommand(['runc', '--root', runcRoot, 'kill', counter.id, 'TERM'])).status, 0);
    const [status] = (await restore.exit) as [number | null];
    t.is(status, COUNTER_STATUS);
  });
}

async function started(t: ExecutionContext): Promise<Counter> {
  t.timeout(60_000);
  const counter = new Counter(yard);
  t.teardown(() => counter.close(!t.passed));
  await counter.start();
  return counter;
}

async function checkpointed(t: ExecutionContext) {
  const counter = await started(t);
  const imagePath = counter.newImage();
  const { status, stderr } = await mvas(counter.checkpointArgs(imagePath, false));
  t.is(status, 0, stderr);
  await counter.delete();
  const holder = (await listed())[0]?.holderPid ?? 0;
  t.true(holder > 0);
  return { counter, imagePath, holder };
}

/** Resolves with the promise of the exit of `mvas restore` once the container counts. */
async function restoreAndWait(t: ExecutionContext, counter: Counter, imagePath: string) {
  const args = counter.restoreArgs(imagePath, false);
  const child = spawn(`${BIN}/mvas`, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  const exit = once(child, 'exit');
  await until('the container to run', async () => (await counter.run.initPid()) > 0);
  await counter.countsOn();
  return { exit };
}
