// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:fs';
import { mkdir, open, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { listTasks } from '../helpers/containers.js';
import { activityOf, parentOf, processTree } from '../helpers/procfs.js';
import { run, until } from '../helpers/run.js';
import { TasksClient, type TaskStdio } from '../helpers/tasks-client.js';
import { daemon } from './context.js';

type Stream = 'stdin' | 'stdout' | 'stderr';

/** A client of containerd's API that is closed when the test ends. */
export async function openTasks(t: ExecutionContext): Promise<TasksClient> {
  const tasks = await TasksClient.open(daemon());
  t.teardown(() => {
    tasks.close();
  });
  return tasks;
}

/** What the threads of every task and of its daemon do, for a test that has waited in vain. */
async function activity(): Promise<string> {
  const lines: string[] = [];
  for (const { id, pid } of await listTasks(daemon())) {
    lines.push(`${id}:`);
    const daemonPid = await parentOf(pid);
    for (const each of [daemonPid, ...(await processTree(pid))]) {
      lines.push(...(await activityOf(each)));
    }
  }
  return lines.join('\n');
}

/** The client's ends of a process's FIFOs, closed and removed when the test ends. */
export class Streams {
  readonly stdio: Required<Pick<TaskStdio, Stream>>;
  readonly #ends = new Map<string, FileHandle>();
  readonly #read = { stdin: '', stdout: '', stderr: '' };

  private constructor(stdio: Required<Pick<TaskStdio, Stream>>) {
    this.stdio = stdio;
  }

  static async open(t: ExecutionContext, name: string): Promise<Streams> {
    const directory = join(daemon().directory, name);
    await mkdir(directory);
    const path = (stream: Stream): string => join(directory, stream);
    const streams = new Streams({
      stdin: path('stdin'),
      stdout: path('stdout'),
      stderr: path('stderr'),
    });
    await run('mkfifo', Object.values(streams.stdio));
    t.teardown(async () => {
      await streams.close();
      await rm(directory, { recursive: true, force: true }); // ctr may have been faster
    });
    await streams.reopen();
    return streams;
  }

  /** Opens the client's ends again after {@link close}, like a client that comes back. */
  async reopen(): Promise<void> {
    for (const [stream, fifo] of Object.entries(this.stdio)) {
      this.#ends.set(stream, await open(fifo, constants.O_RDWR | constants.O_NONBLOCK));
    }
  }

  async write(text: string): Promise<void> {
    await this.#ends.get('stdin')?.write(text);
  }

  /** Waits until exactly that much has arrived since the last call. */
  async expect(t: ExecutionContext, stream: 'stdout' | 'stderr', text: string): Promise<void> {
    await this.waitFor(stream, (all) => all.length >= text.length).catch(() => undefined);
    t.is(this.#read[stream], text); // this also says what is wrong
    this.#read[stream] = '';
  }

  /** Waits for a match in what has arrived since the last call; what follows it is left for the next. */
  async match(stream: 'stdout' | 'stderr', pattern: RegExp): Promise<void> {
    const all = await this.waitFor(stream, (text) => pattern.test(text));
    this.#read[stream] = all.slice(all.search(pattern)).replace(pattern, '');
  }

  /** Waits until the output meets a condition; keeps all of it. */
  async waitFor(stream: Stream, isEnough: (text: string) => boolean): Promise<string> {
    const end = this.#ends.get(stream);
    if (end === undefined) throw new Error(`${stream} is closed`);
    const wait = until(`${stream} to say more`, async () => {
      while (!isEnough(this.#read[stream])) {
        const { buffer, bytesRead } = await end.read(Buffer.alloc(65536)); // EAGAIN: nothing yet
        this.#read[stream] += buffer.toString('utf8', 0, bytesRead);
      }
      return true;
    });
    await wait.catch(async (error: unknown) => {
      const seen = JSON.stringify(this.#read[stream].slice(-2000));
      throw new Error(`${stream} said ${seen}\n${await activity().catch(String)}`, {
        cause: error,
      });
    });
    return this.#read[stream];
  }

  async closeStdin(): Promise<void> {
    await this.#ends.get('stdin')?.close();
    this.#ends.delete('stdin');
  }

  async close(): Promise<void> {
    for (const end of this.#ends.values()) await end.close();
    this.#ends.clear();
  }
}
