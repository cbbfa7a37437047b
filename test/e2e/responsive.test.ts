// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { removeVas, vasesOf, vasRoot } from '../helpers/containerd-cleanup.js';
import {
  checkpointContainer,
  checkpointIn,
  removeImage,
  runContainer,
} from '../helpers/containers.js';
import { quiet } from '../helpers/netns-connection.js';
import { TasksClient } from '../helpers/tasks-client.js';
import { redisWorkload } from '../helpers/workloads/redis.js';
import {
  IS_RUNC,
  containerId,
  daemon,
  leavesNothingBehind,
  remove,
  useContainerd,
} from './context.js';

const REDIS = redisWorkload(128);
const REFERENCE = 'mvas.test/responsive:1';
/** Hundreds of answers come meanwhile, about ten on a busy machine; none from a shim that does one thing at a time. */
const FEWEST_ANSWERS = 3;
/** One checkpoint may be over while this process waits for a processor. */
const MOST_CHECKPOINTS = 5;

useContainerd([REDIS.archive]);

/** Whether the engine is at work: there is a VAS, but not yet its record, which is written last. */
async function isEngineAtWork(): Promise<boolean> {
  const [vas] = await vasesOf(daemon());
  return vas !== undefined && !existsSync(join(vasRoot(daemon()), vas, 'vas.json'));
}

/**
 * Asks for the state of a task again and again while it is checkpointed. Only answers that were requested and came
 * while the engine was at work count, however long that takes.
 */
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
    const wasAtWork = await isEngineAtWork();
    const before = performance.now();
    await tasks.pid(id);
    const tookMs = performance.now() - before;
    if (!wasAtWork || !(await isEngineAtWork())) continue;
    longestMs = Math.max(longestMs, tookMs);
    answers += 1;
  }
  await done;
  return { answers, longestMs };
}

/** Makes room for another one: it looks only at one VAS. */
async function removeCheckpoint(): Promise<void> {
  await removeImage(daemon(), REFERENCE);
  for (const vas of await vasesOf(daemon())) await removeVas(daemon(), vas);
}

async function filledRedis(t: ExecutionContext): Promise<{ id: string; pid: number }> {
  const id = containerId(t, 'redis');
  const pid = await runContainer(daemon(), { id, image: REDIS.image });
  await REDIS.observe(pid);
  await REDIS.prepare?.(pid);
  await quiet(pid);
  return { id, pid };
}

const title = `a shim answers for its task while it checkpoints it${IS_RUNC ? ' (needs the engine)' : ''}`;
(IS_RUNC ? test.serial.skip : test.serial)(title, async (t) => {
  t.timeout(120_000);
  const { id, pid } = await filledRedis(t);
  const tasks = await TasksClient.open(daemon());
  t.teardown(() => {
    tasks.close();
  });
  let answers = 0;
  for (let made = 0; made < MOST_CHECKPOINTS && answers < FEWEST_ANSWERS; made += 1) {
    if (made > 0) await removeCheckpoint();
    const meanwhile = await askMeanwhile(tasks, id, checkpointContainer(daemon(), id, REFERENCE));
    answers += meanwhile.answers;
    t.log(
      `${String(meanwhile.answers)} answers, the slowest after ${meanwhile.longestMs.toFixed(0)} ms`,
    );
  }
  t.true(answers >= FEWEST_ANSWERS, `${String(answers)} answers`);
  t.is(await tasks.pid(id), pid);
  t.truthy(await checkpointIn(daemon(), REFERENCE));
  await remove(t, id);
});

leavesNothingBehind();
