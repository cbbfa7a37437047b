// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { asHostPid } from '../../src/common/ids.js';
import { watchExit } from '../../src/criu/vas/exit-watch.js';
import type { HolderClient } from '../../src/criu/vas/holder-client.js';
import { createVas, removeVas, waitSocketOf } from '../../src/criu/vas/store.js';
import { call, closeFd, SYS } from '../../src/native/sys.js';
import { identify } from '../helpers/procfs.js';
import { until } from '../helpers/run.js';

const AF_UNIX = 1;
const SOCK_SEQPACKET_CLOEXEC = 5 | 0o2000000;
const KILLED = 128 + 9;

/** A fork of a holder that waits for its plan; closing the socket ends it. */
async function fork(holder: HolderClient): Promise<{ pid: number; socket: number }> {
  const pair = Buffer.alloc(8);
  call('make a socket pair', SYS.socketpair, AF_UNIX, SOCK_SEQPACKET_CLOEXEC, 0, pair);
  const theirs = pair.readInt32LE(4);
  const pid = await holder.fork(theirs, { into: 'new' });
  closeFd(theirs);
  return { pid, socket: pair.readInt32LE(0) };
}

async function isGone(pid: number): Promise<boolean> {
  return await identify(pid).then(
    () => false,
    () => true,
  );
}

test('the exit that is told is not that of an earlier process of the same pid', async (t) => {
  process.env['MVAS_ROOT'] = mkdtempSync(join(tmpdir(), 'mvas-exits-'));
  const { id, holder } = await createVas();
  t.teardown(async () => {
    holder.close();
    await removeVas(id);
    rmSync(process.env['MVAS_ROOT'] ?? '', { recursive: true });
  });
  const first = await fork(holder);
  closeFd(first.socket);
  await until('the first one to end', () => isGone(first.pid));
  const second = await until('one of the same pid', async () => {
    writeFileSync('/proc/sys/kernel/ns_last_pid', String(first.pid - 1));
    const next = await fork(holder);
    if (next.pid === first.pid) return next;
    closeFd(next.socket); // Meanwhile another process took the pid.
    return undefined;
  });
  const exit = watchExit(waitSocketOf(id), asHostPid(second.pid));
  t.is(await Promise.race([exit, delay(300, 'it runs')]), 'it runs');
  process.kill(second.pid, 'SIGKILL');
  t.is((await exit).status, KILLED);
  closeFd(second.socket);
});
