// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { connect, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { listenAt } from '../../../src/common/listen-at.js';
import { tryLock } from '../../../src/native/directory-lock.js';
import { Linger } from '../../../src/shim/linger.js';
import { closeFd } from '../../../src/native/sys.js';
import { isAlive } from '../../../src/shim/socket.js';
import { until } from '../../helpers/run.js';

/** Timers of a busy machine may be late by a good part of it. */
const LINGER_MS = 4_000;

interface Daemon {
  readonly directory: string;
  readonly socket: string;
  readonly linger: Linger;
  readonly server: Server;
  ends: number;
  containers: number;
  /** Runs right before it leaves. */
  atLast: () => void;
}

/** What a daemon without containers does, on a socket of its own. */
async function open(t: ExecutionContext): Promise<Daemon> {
  const directory = mkdtempSync(join(tmpdir(), 'mvas-linger-'));
  const socket = join(directory, 'daemon');
  const server = await listenAt(socket);
  const linger = new Linger({
    socket,
    isEmpty: () => {
      daemon.atLast();
      return daemon.containers === 0;
    },
    end: () => {
      daemon.ends += 1;
    },
    lingerMs: LINGER_MS,
  });
  server.on('connection', (connection) => {
    linger.visited();
    connection.on('error', () => undefined).resume();
  });
  const daemon: Daemon = {
    ...{ directory, socket, linger, server, ends: 0, containers: 0 },
    atLast: () => undefined,
  };
  t.teardown(() => {
    server.close();
    rmSync(directory, { recursive: true, force: true });
  });
  return daemon;
}

function ended(daemon: Daemon): Promise<unknown> {
  return until('the end', () => Promise.resolve(daemon.ends > 0));
}

test('a daemon without containers ends when nobody has come for a while', async (t) => {
  const daemon = await open(t);
  daemon.linger.begin();
  await sleep(LINGER_MS / 2);
  t.is(daemon.ends, 0);
  t.true(await isAlive(daemon.socket)); // A visit: it waits from here on.
  await sleep((LINGER_MS * 3) / 4);
  t.is(daemon.ends, 0);
  await ended(daemon);
  t.deepEqual(readdirSync(daemon.directory), []);
  t.is(daemon.ends, 1);
});

test('it stays for who has connected in the last moment, and has not been accepted yet', async (t) => {
  const daemon = await open(t);
  let visits = 0;
  daemon.atLast = () => {
    if (visits++ > 0) return;
    const visitor = connect(daemon.socket).on('error', () => undefined);
    t.teardown(() => visitor.destroy());
  };
  daemon.linger.begin();
  await until('the look', () => Promise.resolve(visits > 0));
  await sleep(LINGER_MS / 2);
  t.is(daemon.ends, 0);
  t.true(existsSync(daemon.socket));
  await ended(daemon);
  t.deepEqual(readdirSync(daemon.directory), []);
});

test('it stays while it has a container, and goes when that has gone', async (t) => {
  const daemon = await open(t);
  daemon.linger.begin();
  daemon.containers = 1;
  await sleep(LINGER_MS * 2);
  t.is(daemon.ends, 0);
  t.false(daemon.linger.isWaiting);
  daemon.containers = 0;
  daemon.linger.begin();
  await ended(daemon);
});

test('it waits for the lock of the directory, and for who comes meanwhile', async (t) => {
  const daemon = await open(t);
  const lock = tryLock(daemon.directory) ?? t.fail();
  daemon.linger.begin();
  await sleep(LINGER_MS * 1.5);
  t.is(daemon.ends, 0);
  t.true(await isAlive(daemon.socket));
  if (typeof lock === 'number') closeFd(lock);
  await sleep(LINGER_MS / 2);
  t.is(daemon.ends, 0);
  t.true(existsSync(daemon.socket));
  await ended(daemon);
});

test('another daemon that has its name keeps it', async (t) => {
  const daemon = await open(t);
  daemon.linger.begin();
  const other = await listenAt(daemon.socket);
  t.teardown(() => other.close());
  await ended(daemon);
  t.true(await isAlive(daemon.socket));
});

for (const [what, path] of [
  ['its socket', (daemon: Daemon) => daemon.socket],
  ['the directory of sockets', (daemon: Daemon) => daemon.directory],
] as const) {
  test(`it ends also when ${what} has been removed`, async (t) => {
    const daemon = await open(t);
    rmSync(path(daemon), { recursive: true });
    daemon.linger.begin();
    await ended(daemon);
    t.is(daemon.ends, 1);
  });
}

test('a container that comes while it waits for the lock keeps it', async (t) => {
  const daemon = await open(t);
  const lock = tryLock(daemon.directory) ?? 0;
  daemon.linger.begin();
  let looks = 0;
  daemon.atLast = () => {
    looks += 1;
    if (looks === 1) setTimeout(() => (daemon.containers = 1), LINGER_MS / 3);
  };
  await until('the look', () => Promise.resolve(looks > 0));
  await sleep(LINGER_MS / 2);
  closeFd(lock);
  await until('the second look', () => Promise.resolve(looks > 1));
  await sleep(LINGER_MS * 2);
  t.is(daemon.ends, 0);
  t.true(await isAlive(daemon.socket));
});
