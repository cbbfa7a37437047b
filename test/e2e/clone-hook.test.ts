// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { mvas, type ForkedClone } from '../helpers/mvas-command.js';
import { until } from '../helpers/run.js';
import { wordsOf } from '../helpers/standbys.js';
import { COUNTER } from '../helpers/workloads/counter.js';
import { daemon, leavesNothingBehind, remove, useContainerd } from './context.js';
import { assertAlive, assertInStep, begin, succeed } from './counters.js';

useContainerd([COUNTER.archive]);

/** Tells what it sees, twice, with time in between. */
const LOOKS = [
  'tail -n 1 /state > /first',
  'sleep 0.5',
  'tail -n 1 /state > /second',
  'cat /proc/self/cgroup > /cgroup',
  'cat /run/mvas/clone.json > /who',
].join('; ');

function read(pid: number, path: string): string {
  return readFileSync(join(`/proc/${String(pid)}/root`, path), 'utf8');
}

async function forkOf(...args: readonly string[]): Promise<ForkedClone> {
  const { stdout } = await mvas(daemon(), 'fork', '--json', ...args);
  const [clone] = JSON.parse(stdout) as ForkedClone[];
  return clone ?? { id: '' };
}

async function assertNotMade(t: ExecutionContext, clone: ForkedClone, why: RegExp): Promise<void> {
  t.regex(clone.message ?? '', why);
  t.notRegex(await daemon().ctr(['containers', 'ls', '-q']), new RegExp(`^${clone.id}$`, 'm'));
  t.notRegex(await daemon().ctr(['snapshots', 'ls']), new RegExp(`^${clone.id} `, 'm'));
}

test.serial('a hook runs in the clone while none of its processes runs', async (t) => {
  const { id, pid } = await begin(t);
  const { birth } = await COUNTER.observe(pid);
  const clone = await forkOf('--hook', LOOKS, id);
  const one = clone.pid ?? 0;
  t.is(clone.message, undefined);
  t.true(read(one, 'first').startsWith(birth));
  t.is(read(one, 'second'), read(one, 'first'), 'nothing has been counted meanwhile');
  t.is(read(one, 'cgroup'), readFileSync(`/proc/${String(one)}/cgroup`, 'utf8'));
  t.like(JSON.parse(read(one, 'who')), { id: clone.id, parent: id });
  await assertAlive(t, one, birth);
  assertInStep(t, one);
  t.false(existsSync(`/proc/${String(pid)}/root/first`), 'not in the source');
  for (const name of [clone.id, id]) await remove(t, name);
});

test.serial('a clone whose hook fails is not made if it has to succeed', async (t) => {
  const { id, pid } = await begin(t);
  const { birth } = await COUNTER.observe(pid);
  const bad = await forkOf('--hook', 'exit 7', '--hook-required', id);
  await assertNotMade(t, bad, /hook of .*exit 7.*it has ended with status 7/);
  const none = await forkOf('--hook', '["/no/such"]', '--hook-required', id);
  await assertNotMade(t, none, /hook of .*\/no\/such/);
  const clone = await forkOf('--hook', 'exit 7', id);
  await assertAlive(t, clone.pid ?? 0, birth);
  const said = /goes on without its hook.*status 7/;
  const isSaid = () => Promise.resolve(said.test(readFileSync(daemon().logFile, 'utf8')));
  await t.notThrowsAsync(until('the log to say so', isSaid));
  await assertAlive(t, pid, birth);
  for (const name of [clone.id, id]) await remove(t, name);
});

test.serial('a hook has a time limit, and ends with all that it has started', async (t) => {
  const flags = ['mvas.clone.hook.timeout-ms=700'].flatMap((text) => ['--annotation', text]);
  const { id, pid } = await begin(t, { flags });
  const { birth } = await COUNTER.observe(pid);
  const hook = 'sleep 4321 & sleep 1234';
  const late = await forkOf('--hook', hook, '--hook-required', id);
  await assertNotMade(t, late, /it has not ended within 700 ms/);
  const clone = await forkOf('--hook', hook, id);
  const one = clone.pid ?? 0;
  await assertAlive(t, one, birth);
  const listed = await daemon().ctr(['tasks', 'ps', clone.id]);
  const source = await daemon().ctr(['tasks', 'ps', id]);
  t.true(Math.abs(listed.split('\n').length - source.split('\n').length) <= 1, listed);
  for (const line of listed.trim().split('\n').slice(1)) {
    const words = wordsOf(Number(line.split(/\s+/)[0]), 'cmdline'); // None, if it has ended.
    t.notRegex(words.join(' '), /4321|1234/);
  }
  for (const name of [clone.id, id]) await remove(t, name);
});

test.serial('the annotation works for each restore, also in place', async (t) => {
  const flags = ['--annotation', 'mvas.clone.hook=echo again >> /hooks'];
  const { id, pid } = await begin(t, { flags });
  t.false(existsSync(`/proc/${String(pid)}/root/hooks`), 'an ordinary start has none');
  await succeed(t, 'snapshot', '--name', 'hooked', id);
  const clone = await forkOf('hooked');
  t.is(read(clone.pid ?? 0, 'hooks'), 'again\n');
  const { pid: back } = JSON.parse(await succeed(t, 'rollback', '--json', id)) as { pid: number };
  await until('its hook', () => Promise.resolve(read(back, 'hooks') === 'again\n'));
  await succeed(t, 'rm', 'hooked');
  for (const name of [clone.id, id]) await remove(t, name);
});

leavesNothingBehind();
