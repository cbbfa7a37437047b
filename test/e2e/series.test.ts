// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { hasAsyncWriteTracking } from '../../src/native/kernel-facts.js';
import { taskOf } from '../helpers/containers.js';
import type { ForkedClone } from '../helpers/mvas-command.js';
import { COUNTER } from '../helpers/workloads/counter.js';
import { daemon, remove, useContainerd } from './context.js';
import { assertAlive, begin, succeed } from './counters.js';

const run = hasAsyncWriteTracking() ? test.serial : test.serial.skip;

useContainerd([COUNTER.archive]);

const originOf = async (t: ExecutionContext, id: string): Promise<string> => {
  const [vas] = JSON.parse(await succeed(t, 'inspect', '--json', id)) as { origin: string }[];
  return vas?.origin ?? 'none';
};

/** Whether the writes of a process are tracked. */
const isTracked = (pid: number): boolean =>
  /^VmFlags:.* uw( |$)/m.test(readFileSync(`/proc/${String(pid)}/smaps`, 'utf8'));

run('three snapshots in series can be forked, and removed, each on its own', async (t) => {
  const { id, pid } = await begin(t);
  const { birth } = await COUNTER.observe(pid);
  const taken: string[] = [];
  for (let i = 0; i < 3; i++) {
    taken.push(await succeed(t, 'snapshot', '--series', id));
    await assertAlive(t, pid, birth);
    t.true(isTracked(pid));
  }
  const [first = '', second = '', third = ''] = taken;
  t.deepEqual(await Promise.all(taken.map((one) => originOf(t, one))), ['', first, second]);
  await succeed(t, 'rm', second);
  for (const source of [third, first]) {
    const [clone] = JSON.parse(await succeed(t, 'fork', '--json', source)) as ForkedClone[];
    t.is((await taskOf(daemon(), clone?.id ?? '')).status, 'RUNNING');
    await assertAlive(t, clone?.pid ?? 0, birth);
    await remove(t, clone?.id ?? '');
  }
  const alone = await succeed(t, 'snapshot', id);
  t.is(await originOf(t, alone), '');
  t.false(isTracked(pid), 'one without --series ends it');
  for (const one of [first, third, alone]) await succeed(t, 'rm', one);
  await remove(t, id);
});
