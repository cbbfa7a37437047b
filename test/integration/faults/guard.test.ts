// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { createVas, removeVas, waitSocketOf } from '../../../src/criu/vas/store.js';
import { call, closeFd, SYS } from '../../../src/native/sys.js';
import { REPOSITORY } from '../../helpers/paths.js';
import { until } from '../../helpers/run.js';

/** What the keeper of a VAS restores when the engine is killed: here an option of a socket. */
const root = mkdtempSync(join(tmpdir(), 'mvas-guard-'));
process.env['MVAS_ROOT'] = join(root, 'vas');

const SOL_SOCKET = 1;
const SO_PEEK_OFF = 42;
const BEFORE = 5;
const MEANWHILE = 9;

/** An engine that changes the option of descriptor 3, and is killed, or ends its guard first. */
const ENGINE = `
  import { Guard } from '${REPOSITORY}/dist/src/criu/vas/guard.js';
  import { call, SYS } from '${REPOSITORY}/dist/src/native/sys.js';
  const [waitSocket, how] = process.argv.slice(1);
  const order = { level: ${String(SOL_SOCKET)}, option: ${String(SO_PEEK_OFF)} };
  const guard = Guard.arm(waitSocket, 3, { ...order, value: ${String(BEFORE)} });
  const value = new Uint8Array(Int32Array.of(${String(MEANWHILE)}).buffer);
  call('set', SYS.setsockopt, 3, order.level, order.option, value, 4);
  if (how === 'disarmed') guard.disarm();
  process.kill(process.pid, 'SIGKILL');
`;

test.after.always(() => {
  rmSync(root, { recursive: true, force: true });
});

function option(socket: number): number {
  const value = Buffer.alloc(4);
  call('get', SYS.getsockopt, socket, SOL_SOCKET, SO_PEEK_OFF, value, Buffer.of(4, 0, 0, 0));
  return value.readInt32LE(0);
}

async function killed(socket: number, waitSocket: string, how: string): Promise<void> {
  const flags = ['--input-type=module', '--eval', ENGINE, waitSocket, how];
  const child = spawn(process.execPath, flags, { stdio: ['ignore', 'ignore', 'inherit', socket] });
  await once(child, 'exit');
}

test('a keeper puts an option of a socket back, unless it was told not to', async (t) => {
  const { id, holder, lifeline } = await createVas();
  const pair = Buffer.alloc(8);
  call('make sockets', SYS.socketpair, 1, 1 | 0o2000000, 0, pair);
  const [socket, other] = [pair.readInt32LE(0), pair.readInt32LE(4)];
  t.teardown(async () => {
    closeFd(socket);
    closeFd(other);
    holder.close();
    lifeline.cut();
    await removeVas(id);
  });
  await killed(socket, waitSocketOf(id), 'disarmed');
  t.is(option(socket), MEANWHILE);
  await killed(socket, waitSocketOf(id), 'armed');
  await until('the option', () => Promise.resolve(option(socket) === BEFORE || undefined));
  t.pass();
});
