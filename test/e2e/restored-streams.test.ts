// SPDX-License-Identifier: Apache-2.0
import { mkdir, open, readFile, rm, type FileHandle } from 'node:fs/promises';
import { constants } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createContainer } from '../helpers/containers.js';
import { run, until } from '../helpers/run.js';
import { TasksClient, type ContentDescriptor, type TaskStdio } from '../helpers/tasks-client.js';
import { COUNTER, LINE_NUMBERS } from '../helpers/workloads/counter.js';
import { containerId, daemon, leavesNothingBehind, remove, useContainerd } from './context.js';

useContainerd([COUNTER.archive]);

/** The client's ends of a task's FIFOs. */
class Streams {
  readonly stdio: Required<TaskStdio>;
  readonly #ends = new Map<string, FileHandle>();
  #read: Record<'stdout' | 'stderr', string> = { stdout: '', stderr: '' };

  private constructor(stdio: Required<TaskStdio>) {
    this.stdio = stdio;
  }

  static async open(t: ExecutionContext, name: string): Promise<Streams> {
    const directory = join(daemon().directory, name);
    await mkdir(directory);
    const path = (stream: string): string => join(directory, stream);
    const stdio = { stdin: path('stdin'), stdout: path('stdout'), stderr: path('stderr') };
    await run('mkfifo', Object.values(stdio));
    const streams = new Streams(stdio);
    for (const [stream, fifo] of Object.entries(stdio)) {
      streams.#ends.set(stream, await open(fifo, constants.O_RDWR | constants.O_NONBLOCK));
    }
    t.teardown(async () => {
      await streams.close();
      await rm(directory, { recursive: true, force: true }); // ctr may have been faster
    });
    return streams;
  }

  async write(text: string): Promise<void> {
    await this.#ends.get('stdin')?.write(text);
  }

  /** Waits until exactly so much has come since the last call. */
  async expect(t: ExecutionContext, stream: 'stdout' | 'stderr', text: string): Promise<void> {
    const end = this.#ends.get(stream);
    await until(`${stream} to say ${JSON.stringify(text)}`, async () => {
      const result = await end?.read(Buffer.alloc(65536));
      this.#read[stream] += result?.buffer.toString('utf8', 0, result.bytesRead) ?? '';
      return this.#read[stream].length >= text.length;
    }).catch(() => undefined); // the comparison says what is wrong
    t.is(this.#read[stream], text);
    this.#read[stream] = '';
  }

  async close(): Promise<void> {
    for (const end of this.#ends.values()) await end.close();
    this.#ends.clear();
  }
}

async function openTasks(t: ExecutionContext): Promise<TasksClient> {
  const tasks = await TasksClient.open(daemon());
  t.teardown(() => {
    tasks.close();
  });
  return tasks;
}

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
