// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { PrivateShim } from '../../helpers/private-shim.js';
import { run, until } from '../../helpers/run.js';

const SLEEP = 'while :; do sleep 1; done';
const SIGKILL = 9;

/** A client's end of a stream. */
async function opened(t: ExecutionContext, path: string): Promise<FileHandle> {
  await run('mkfifo', [path]);
  const end = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  t.teardown(() => end.close());
  return end;
}

/** Whether nobody has the other end, or has it any longer. */
async function isEnded(end: FileHandle): Promise<boolean> {
  try {
    return (await end.read(Buffer.alloc(1))).bytesRead === 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    return false;
  }
}

/** Docker creates a task, fails to give it a network, and waits for its streams before it deletes it. */
const givenUp = test.macro(
  async (t: ExecutionContext, how: { readonly terminal: boolean; readonly restored: boolean }) => {
    const shim = await PrivateShim.open(t);
    const { terminal, restored } = how;
    const checkpoint = join(shim.directory, 'image');
    if (restored) {
      const bundle = shim.bundle('one', SLEEP);
      const original = await shim.start('one');
      await original.create({ id: 'one', bundle });
      await original.start('one');
      await original.checkpoint('one', checkpoint);
    }
    const [stdout, stderr] = [join(shim.directory, 'stdout'), join(shim.directory, 'stderr')];
    const ends: FileHandle[] = [];
    for (const path of [stdout, ...(terminal ? [] : [stderr])]) ends.push(await opened(t, path));
    const bundle = shim.bundle('two', SLEEP, (spec) => ({
      ...spec,
      process: { ...(spec['process'] as object), terminal },
    }));
    const client = await shim.start('two');
    const streams = { stdout, ...(!terminal && { stderr }), terminal };
    await client.create({ id: 'two', bundle, ...streams, ...(restored && { checkpoint }) });
    // Clients do not kill a task without a pid, and wait for its streams only if they are open.
    for (const end of ends) t.is(await isEnded(end), restored);
    if (!restored) {
      const ended = client.wait('two');
      await client.kill({ id: 'two', signal: SIGKILL });
      t.is(await ended, 137);
      for (const end of ends) await until('its stream to end', () => isEnded(end));
    }
    await client.delete('two');
    t.deepEqual(await shim.leftovers('two'), []);
  },
);

for (const restored of [false, true])
  for (const terminal of [false, true]) {
    const what = `${restored ? 'restore' : 'create'}, ${terminal ? 'a terminal' : 'pipes'}`;
    test(`the streams of a task that never starts end, or are never opened: ${what}`, givenUp, {
      terminal,
      restored,
    });
  }
