// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { isAlive } from '../../../src/shim/socket.js';

const directory = mkdtempSync(join(tmpdir(), 'mvas-socket-'));
test.after.always(() => {
  rmSync(directory, { recursive: true });
});

/** A process that listens, and does nothing else: it is stopped. */
async function stoppedListener(path: string, backlog: number) {
  const program = `require('net').createServer().listen({ path: '${path}', backlog: ${String(backlog)} },
    () => process.stdout.write('listening'));`;
  const child = spawn(process.execPath, ['--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  child.kill('SIGSTOP');
  return child;
}

test('who listens is alive, even if nobody accepts and we are slow ourselves', async (t) => {
  const path = join(directory, 'busy');
  const child = await stoppedListener(path, 1);
  t.teardown(() => child.kill('SIGKILL'));
  const answers: Promise<boolean>[] = [];
  for (let i = 0; i < 4; i += 1) answers.push(isAlive(path)); // More than the backlog takes.
  const end = performance.now() + 150;
  while (performance.now() < end);
  t.deepEqual(await Promise.all(answers), [true, true, true, true]);
});

test('a socket that nobody listens on any more is dead, and so is none', async (t) => {
  const path = join(directory, 'left');
  const child = await stoppedListener(path, 1);
  child.kill('SIGKILL');
  await once(child, 'exit');
  t.false(await isAlive(path));
  t.false(await isAlive(join(directory, 'none')));
});
