// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { signalAll, type Cgroup } from '../../../src/common/cgroup.js';

/** Files that look like a v2 cgroup with one process in it, which never freezes. */
async function stubborn(t: ExecutionContext): Promise<{ cgroup: Cgroup; ended: Promise<unknown> }> {
  const directory = mkdtempSync(join(tmpdir(), 'mvas-cgroup-'));
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  await once(child, 'spawn');
  t.teardown(() => {
    child.kill('SIGKILL');
    rmSync(directory, { recursive: true });
  });
  writeFileSync(join(directory, 'cgroup.procs'), `${String(child.pid)}\n`);
  writeFileSync(join(directory, 'cgroup.events'), 'populated 1\nfrozen 0\n');
  writeFileSync(join(directory, 'cgroup.freeze'), '0');
  return { cgroup: { directory, version: 2 }, ended };
}

const freezeOf = ({ directory }: Cgroup): string =>
  readFileSync(join(directory, 'cgroup.freeze'), 'utf8');

for (const signal of [9, 15]) {
  test(`signal ${signal} reaches what does not freeze, soon`, async (t) => {
    const { cgroup, ended } = await stubborn(t);
    const began = performance.now();
    await signalAll(cgroup, signal);
    t.true(performance.now() - began < 8_000);
    const [, name] = (await ended) as [null, string];
    t.is(name, signal === 9 ? 'SIGKILL' : 'SIGTERM');
    t.is(freezeOf(cgroup), '0');
  });
}

test('a cgroup that is paused meanwhile stays frozen, unless it is killed', async (t) => {
  const { cgroup } = await stubborn(t);
  await signalAll(cgroup, 18, () => true);
  t.is(freezeOf(cgroup), '1');
  await signalAll(cgroup, 9, () => true);
  t.is(freezeOf(cgroup), '0');
});

test('in a cgroup that is gone nobody is signalled, and nothing fails', async (t) => {
  await t.notThrowsAsync(signalAll({ directory: '/no/such/cgroup', version: 1 }, 9));
  await t.notThrowsAsync(signalAll({ directory: '/no/such/cgroup', version: 2 }, 15));
});
