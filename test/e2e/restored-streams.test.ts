// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createContainer } from '../helpers/containers.js';
import type { ContentDescriptor, TasksClient } from '../helpers/tasks-client.js';
import { COUNTER, LINE_NUMBERS } from '../helpers/workloads/counter.js';
import { containerId, daemon, leavesNothingBehind, remove, useContainerd } from './context.js';
import { openTasks, Streams } from './streams.js';

useContainerd([COUNTER.archive]);

async function create(t: ExecutionContext, name: string): Promise<string> {
  const id = containerId(t, name);
  await createContainer(daemon(), { id, image: COUNTER.image, args: LINE_NUMBERS });
  return id;
}

/** Numbers one line in a task on FIFOs, then checkpoints and ends it. */
async function checkpointed(t: ExecutionContext, tasks: TasksClient): Promise<ContentDescriptor> {
  const id = await create(t, 'original');
  const streams = await Streams.open(t, 'original');
  await tasks.begin(id, streams.stdio);
  await streams.write('before\n');
  await streams.expect(t, 'stdout', '1 before\n');
  await streams.expect(t, 'stderr', 'line 1\n');
  const checkpoint = await tasks.checkpoint(id, { exit: true });
  await tasks.wait(id);
  await tasks.delete(id);
  await daemon().ctr(['containers', 'rm', id]);
  await streams.close();
  return checkpoint;
}

test.serial('the streams of a restored container are those of its new task', async (t) => {
  const tasks = await openTasks(t);
  const checkpoint = await checkpointed(t, tasks);
  const names = ['left', 'right'] as const;
  for (const name of names) {
    const id = await create(t, name);
    const streams = await Streams.open(t, name);
    await tasks.restore(id, checkpoint, streams.stdio);
    await streams.write(`${name}\n`);
    await streams.expect(t, 'stdout', `2 ${name}\n`);
    await streams.expect(t, 'stderr', 'line 2\n');
    const ended = tasks.wait(id);
    await streams.close();
    await daemon().ctr(['tasks', 'kill', '--signal', 'SIGKILL', id]);
    t.is(await ended, 137);
    await remove(t, id);
  }
});

test.serial(
  'a restored container writes to a log file, and sees the end of no input',
  async (t) => {
    const tasks = await openTasks(t);
    const checkpoint = await checkpointed(t, tasks);
    const id = await create(t, 'logged');
    const log = join(daemon().directory, `${id}.log`);
    const ended = tasks.restore(id, checkpoint, {
      stdout: `file://${log}`,
      stderr: `file://${log}`,
    });
    await ended;
    t.is(await tasks.wait(id), 1); // it had read one line before
    t.is(await readFile(log, 'utf8'), '');
    await remove(t, id);
  },
);

leavesNothingBehind();
