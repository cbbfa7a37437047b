// SPDX-License-Identifier: Apache-2.0
import {
  constants,
  openSync,
  closeSync,
  readFileSync,
  readSync,
  readdirSync,
  readlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { PrivateShim } from '../../helpers/private-shim.js';
import { run, until } from '../../helpers/run.js';
import { ShimStarter } from '../../helpers/shim-start.js';

const SLEEP = 'while :; do sleep 1; done';

/** Inodes of sockets that listen on TCP (proc(5), net/tcp: state 0A). */
function listening(): Set<string> {
  const lines = readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1);
  const words = lines.map((line) => line.trim().split(/\s+/)).filter((line) => line[3] === '0A');
  return new Set(words.map((line) => `socket:[${line[9] ?? ''}]`));
}

/** Whether a process listens on TCP, as Node's inspector does. */
function isInspected(pid: number): boolean {
  const sockets = listening();
  const directory = `/proc/${String(pid)}/fd`;
  return readdirSync(directory).some((fd) => sockets.has(linkOf(join(directory, fd))));
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ''; // Closed meanwhile.
  }
}

async function dump(t: ExecutionContext, env: NodeJS.ProcessEnv): Promise<void> {
  const shim = await PrivateShim.open(t, env);
  const bundle = shim.bundle('one', SLEEP);
  await run('mkfifo', [join(bundle, 'log')]);
  const fd = openSync(join(bundle, 'log'), constants.O_RDONLY | constants.O_NONBLOCK);
  t.teardown(() => {
    closeSync(fd);
  });
  const client = await shim.start('one');
  const pid = await client.create({ id: 'one', bundle });
  const wait = client.wait('one');
  const { shimPid } = await client.connect('one');
  process.kill(shimPid, 'SIGUSR1');
  let text = '';
  await until('the state in the log', () => {
    const bytes = Buffer.alloc(65536);
    try {
      text += bytes.toString('utf8', 0, readSync(fd, bytes));
    } catch {
      // Nothing yet.
    }
    return Promise.resolve(text.includes('open calls'));
  });
  t.true(text.includes(`state of a task task=one state=created pids=${String(pid)}\n`), text);
  t.regex(text, /open calls calls=Wait:\d+ms\n/);
  t.false(isInspected(shimPid));
  t.is((await client.state('one')).status, 1);
  await client.kill({ id: 'one', signal: 9 });
  await wait;
}

test('SIGUSR1 makes a daemon of Node log its state, and opens no inspector', (t) =>
  dump(t, { MVAS_STANDBY: '0' }));

test('SIGUSR1 makes a fork of the standby log its state, and opens no inspector', (t) =>
  dump(t, {}));

test('SIGUSR1 opens no inspector of the standby', async (t) => {
  const shims = new ShimStarter({});
  t.teardown(() => shims.stop());
  await shims.start({ id: 'first' });
  const standby = await shims.standby();
  process.kill(standby.pid, 'SIGUSR1');
  await shims.start({ id: 'second' });
  t.deepEqual(shims.standbys(), [standby]);
  t.false(isInspected(standby.pid));
  t.is((await shims.daemons()).length, 2);
});
