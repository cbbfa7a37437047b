// SPDX-License-Identifier: Apache-2.0
import { readFileSync, readlinkSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { runContainer, taskOf, type RunRequest } from '../helpers/containers.js';
import { mvas } from '../helpers/mvas-command.js';
import { until } from '../helpers/run.js';
import { COUNTER } from '../helpers/workloads/counter.js';
import { containerId, daemon, leavesNothingBehind, remove, useContainerd } from './context.js';

useContainerd([COUNTER.archive]);

/** Runs a counter; resolves with its id and the pid of its init. */
async function begin(t: ExecutionContext, request: Partial<RunRequest> = {}) {
  t.timeout(120_000);
  const id = containerId(t, 'source');
  const pid = await runContainer(daemon(), { id, image: COUNTER.image, ...request });
  await COUNTER.observe(pid);
  return { id, pid };
}

/** Runs `mvas`, which has to succeed; resolves with its output. */
async function succeed(t: ExecutionContext, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await mvas(daemon(), ...args);
  t.is(code, 0, stderr);
  return stdout.trim();
}

const network = (pid: number) => readlinkSync(`/proc/${String(pid)}/ns/net`);
const cgroups = (pid: number) => readFileSync(`/proc/${String(pid)}/cgroup`, 'utf8');

test.serial('a container goes back to its last snapshot, in place', async (t) => {
  const { id, pid } = await begin(t);
  const before = { network: network(pid), cgroups: cgroups(pid) };
  const { birth, progress } = await COUNTER.observe(pid);
  const snapshot = await succeed(t, 'snapshot', id);
  const done = JSON.parse(await succeed(t, 'rollback', '--json', id)) as {
    snapshot: string;
    pid: number;
    standstillMs: number;
  };
  t.log(done.standstillMs);
  t.is(done.snapshot, snapshot);
  t.like(await taskOf(daemon(), id), { pid: done.pid, status: 'RUNNING' });
  t.deepEqual({ network: network(done.pid), cgroups: cgroups(done.pid) }, before);
  const after = await COUNTER.observe(done.pid);
  t.is(after.birth, birth);
  t.true((after.progress['count'] ?? 0) >= (progress['count'] ?? 0));
  await until('the counter to go on', async () => {
    const later = await COUNTER.observe(done.pid);
    return (later.progress['count'] ?? 0) > (after.progress['count'] ?? 0);
  });
  await remove(t, id);
});

leavesNothingBehind();
