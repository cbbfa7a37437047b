// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import test from 'ava';
import { checkpointContainer, restoreContainer, runContainer } from '../helpers/containers.js';
import { COUNTER } from '../helpers/workloads/counter.js';
import {
  IS_RUNC,
  containerId,
  daemon,
  leavesNothingBehind,
  remove,
  useContainerd,
} from './context.js';

const REFERENCE = 'mvas.test/stats:1';
const LIMIT = 64 * 1024 * 1024;

useContainerd([COUNTER.archive]);

/** The numbers that `ctr tasks metrics` prints, by the names of its lines. */
async function metricsOf(id: string): Promise<ReadonlyMap<string, number>> {
  const lines = (await daemon().ctr(['tasks', 'metrics', id])).split('\n');
  const figures = lines
    .map((line) => line.trim().split(/\s+/))
    .filter((words) => words.length === 2);
  return new Map(figures.map(([name = '', value = '']) => [name, Number(value)]));
}

/** The limit is read from the cgroup of the process, which proves that the right one was found. */
function memoryLimitOf(pid: number): number {
  const [, path = ''] =
    /^\d+:memory:(.*)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, 'utf8')) ?? [];
  return Number(readFileSync(`/sys/fs/cgroup/memory${path}/memory.limit_in_bytes`, 'utf8'));
}

async function runLimited(id: string): Promise<number> {
  const flags = ['--memory-limit', String(LIMIT)];
  const pid = await runContainer(daemon(), { id, image: COUNTER.image, flags });
  await COUNTER.observe(pid);
  return pid;
}

test.serial('ctr tasks metrics shows memory, processor time and processes', async (t) => {
  const id = containerId(t, 'metrics');
  const pid = await runLimited(id);
  t.is(memoryLimitOf(pid), LIMIT);
  const first = await metricsOf(id);
  t.is(first.get('memory.limit_in_bytes'), LIMIT);
  t.true(Number(first.get('memory.usage_in_bytes')) > 0);
  t.true(Number(first.get('memory.usage_in_bytes')) <= LIMIT);
  t.true(Number(first.get('pids.current')) >= 1);
  const used = first.get('cpuacct.usage') ?? 0;
  t.true(used > 0);
  await COUNTER.observe(pid);
  t.true(Number((await metricsOf(id)).get('cpuacct.usage')) >= used);
  await remove(t, id);
});

test.serial('a paused container has metrics', async (t) => {
  const id = containerId(t, 'paused');
  await runLimited(id);
  await daemon().ctr(['tasks', 'pause', id]);
  const first = await metricsOf(id);
  t.is(first.get('memory.limit_in_bytes'), LIMIT);
  t.is((await metricsOf(id)).get('cpuacct.usage'), first.get('cpuacct.usage'));
  await daemon().ctr(['tasks', 'resume', id]);
  await remove(t, id);
});

(IS_RUNC ? test.serial.skip : test.serial)(
  `a restored container has metrics of its own${IS_RUNC ? ' (needs the engine)' : ''}`,
  async (t) => {
    const id = containerId(t, 'original');
    await runLimited(id);
    const before = await metricsOf(id);
    await checkpointContainer(daemon(), id, REFERENCE);
    const restored = containerId(t, 'restored');
    const pid = await restoreContainer(daemon(), restored, REFERENCE);
    t.is(memoryLimitOf(pid), LIMIT);
    await remove(t, id);
    const metrics = await metricsOf(restored);
    t.deepEqual([...metrics.keys()].sort(), [...before.keys()].sort());
    t.is(metrics.get('memory.limit_in_bytes'), LIMIT);
    t.true(Number(metrics.get('pids.current')) >= 1);
    await remove(t, restored);
  },
);

leavesNothingBehind();
