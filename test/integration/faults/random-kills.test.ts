// SPDX-License-Identifier: Apache-2.0
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { freeze, isFrozen, thaw } from '../../../src/common/cgroup.js';
import { listVases, removeVas } from '../../../src/criu/index.js';
import { REQUEST_MAGIC } from '../../../src/criu/plan/abi.js';
import { until } from '../../helpers/run.js';
import { differences } from '../../helpers/targets-view.js';
import { Counter, isOurMemory, Yard } from './harness.js';
import { vasLeftoversInTheEnd } from './leftovers.js';

/**
 * SIGKILLs the engine at moments spread at random over a checkpoint. The container, frozen beforehand every third
 * time, must be frozen again or go on counting, and pass its own checks. MVAS_KILL_ROUNDS is the number of kills.
 */
const ROUNDS = Number(process.env['MVAS_KILL_ROUNDS'] ?? 30);

const yard = new Yard();

test.after.always('nothing is left of any VAS', async (t) => {
  t.deepEqual(await vasLeftoversInTheEnd(yard), []);
  yard.close();
});

test.serial(
  `${String(ROUNDS)} checkpoints killed at random leave the container unharmed`,
  async (t) => {
    t.timeout(120_000 + ROUNDS * 5_000);
    const counter = new Counter(yard);
    t.teardown(() => counter.close(!t.passed));
    await counter.start();
    let durationMs = Infinity; // Of the quickest so far: the first ones have no standby.
    const timed = async (child: ChildProcess, killMs?: number): Promise<boolean> => {
      const startedAt = performance.now();
      const exit = once(child, 'exit').then(() => performance.now() - startedAt);
      const closed = once(child, 'close'); // Its keeper cannot know before.
      if (killMs !== undefined) await delay(killMs);
      if (killMs !== undefined) child.kill('SIGKILL');
      await closed;
      if (child.signalCode === 'SIGKILL') return false;
      t.is(child.exitCode, 0);
      durationMs = Math.min(durationMs, await exit);
      return true;
    };
    t.true(await timed(counter.startCheckpoint(counter.newImage())));
    const before = await counter.run.view();
    const cgroup = await counter.cgroup();
    let killed = 0;
    for (let round = 0; round < ROUNDS; round++) {
      // Loading the program takes the first third, during which nothing happens to the container.
      const afterMs = durationMs * (0.3 + Math.random() * 0.7);
      const wasFrozen = round % 3 === 2;
      if (wasFrozen) await freeze(cgroup);
      killed += (await timed(counter.startCheckpoint(counter.newImage()), afterMs)) ? 0 : 1;
      if (wasFrozen) {
        for (const { id } of await listVases()) await keeperHasSeenAll(id);
        await until('the container to be frozen again', () => Promise.resolve(isFrozen(cgroup)));
        thaw(cgroup);
      }
      await t.notThrowsAsync(counter.countsOn(), `killed after ${afterMs.toFixed(2)} ms`);
      for (const { id } of await listVases()) await removeVas(id);
    }
    t.log(`${String(killed)} of ${String(ROUNDS)} were killed within ${durationMs.toFixed(0)} ms`);
    t.true(killed > ROUNDS / 3, 'kills that come in time');
    const problems = differences(before, await counter.run.view(), []);
    t.deepEqual(
      problems.filter((problem) => !isOurMemory(problem)),
      [],
    );
    t.is(await counter.run.go(), 'PASS');
  },
);

/**
 * A keeper answers only after it has noticed earlier hang-ups; it knows nothing of pid 1, so it answers at once. There
 * is no keeper if the engine died before it had started one.
 */
async function keeperHasSeenAll(vasId: string): Promise<void> {
  const socket = connect(join(yard.vasRoot, vasId, 'wait.sock'));
  const question = Buffer.alloc(8);
  question.writeUInt32LE(REQUEST_MAGIC, 0);
  question.writeInt32LE(1, 4);
  socket.on('error', () => undefined);
  socket.resume().end(question);
  await new Promise((resolve) => socket.on('close', resolve));
}
