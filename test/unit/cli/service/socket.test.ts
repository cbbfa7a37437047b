// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { claimSocket } from '../../../../src/cli/service/socket.js';

function place(t: ExecutionContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'mvas-socket-'));
  t.teardown(() => {
    rmSync(directory, { recursive: true });
  });
  return join(directory, 'new', 's');
}

test('a socket is for its owner alone, and goes with its server', async (t) => {
  const path = place(t);
  const { server, unlink } = await claimSocket(path);
  t.is(statSync(path).mode & 0o777, 0o600);
  t.is(statSync(join(path, '..')).mode & 0o777, 0o700);
  await t.throwsAsync(claimSocket(path), { message: /another service does; remedy: / });
  server.close();
  unlink();
  t.is(statSync(path, { throwIfNoEntry: false }), undefined);
});

test('a socket that nobody answers is replaced, and not removed by its old owner', async (t) => {
  const path = place(t);
  const first = await claimSocket(path);
  first.server.close();
  const second = await claimSocket(path);
  first.unlink();
  t.true(statSync(path).isSocket());
  second.server.close();
  second.unlink();
});

test('what is no socket stays', async (t) => {
  const path = place(t);
  const { server, unlink } = await claimSocket(path);
  server.close();
  unlink();
  writeFileSync(path, 'theirs');
  await t.throwsAsync(claimSocket(path), { message: /is no socket/ });
  t.is(statSync(path).size, 6);
});

test('the socket of another program is refused, too', async (t) => {
  const path = place(t);
  const { server, unlink } = await claimSocket(path);
  server.close();
  unlink();
  const theirs = createServer();
  await new Promise<void>((resolve) => theirs.listen(`${path}.theirs`, resolve));
  renameSync(`${path}.theirs`, path);
  await t.throwsAsync(claimSocket(path), { message: /another service does/ });
  theirs.close();
});
