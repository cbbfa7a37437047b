// SPDX-License-Identifier: Apache-2.0
import test, { type ExecutionContext } from 'ava';
import { checkpointIn, checkpointContainer, runContainer } from '../helpers/containers.js';
import { quiet } from '../helpers/netns-connection.js';
import { TasksClient } from '../helpers/tasks-client.js';
import { redisWorkload } from '../helpers/workloads/redis.js';
import { containerId, daemon, leavesNothingBehind, remove, useContainerd } from './context.js';

const REDIS = redisWorkload(128);
const REFERENCE = 'mvas.test/responsive:1';
/** An answer that takes longer would be a shim that does one thing at a time. */
const PATIENCE_MS = 1000;

useContainerd([REDIS.archive]);

/** Asks for the state of a task again and again while something else is done. */
async function askMeanwhile(
  tasks: TasksClient,
  id: string,
  work: Promise<unknown>,
): Promise<{ readonly answers: number; readonly longestMs: number }> {
  let isDone = false;
  const done = work.finally(() => {
    isDone = true;
  });
  let answers = 0;
  let longestMs = 0;
  while (!isDone) {
    const before = performance.now();
    await tasks.pid(id);
    longestMs = Math.max(longestMs, performance.now() - before);
    answers += 1;
  }
  await done;
  return { answers, longestMs };
}

async function filledRedis(t: ExecutionContext): Promise<{ id: string; pid: number }> {
  const id = containerId(t, 'redis');
  const pid = await runContainer(daemon(), { id, image: REDIS.image });
  await REDIS.observe(pid);
  await REDIS.prepare?.(pid);
  await quiet(pid);
  return { id, pid };
}

test.serial('a shim answers for its task while it checkpoints it', async (t) => {
  t.timeout(120_000);
  const { id, pid } = await filledRedis(t);
  const tasks = await TasksClient.open(daemon());
  t.teardown(() => {
    tasks.close();
  });
  const { answers, longestMs } = await askMeanwhile(
    tasks,
    id,
    checkpointContainer(daemon(), id, REFERENCE),
  );
  t.log(`${String(answers)} answers, the slowest after ${longestMs.toFixed(0)} ms`);
  t.true(answers >= 10);
  t.true(longestMs < PATIENCE_MS);
  t.is(await tasks.pid(id), pid);
  t.truthy(await checkpointIn(daemon(), REFERENCE));
  await remove(t, id);
});

leavesNothingBehind();
