// SPDX-License-Identifier: Apache-2.0
import test, { type ExecutionContext } from 'ava';
import { ShimError } from '../../src/common/errors.js';
import { runContainer, taskOf } from '../helpers/containers.js';
import { innerPid, processTree } from '../helpers/procfs.js';
import { until } from '../helpers/run.js';
import { COUNTER } from '../helpers/workloads/counter.js';
import { containerId, daemon, leavesNothingBehind, remove, useContainerd } from './context.js';
import { succeed } from './counters.js';

useContainerd([COUNTER.archive]);

const { image } = COUNTER;
/** A shell with one child. */
const FAMILY = ['/bin/sh', '-c', 'sleep 10000; true'];

/** Starts a pod; resolves with its id, and the flags by which a container shares its pid namespace. */
async function startPod(t: ExecutionContext, script: string) {
  const id = containerId(t, 'pod');
  const pid = await runContainer(daemon(), { id, image, args: ['/bin/sh', '-c', script] });
  return { id, pid, flags: ['--with-ns', `pid:/proc/${String(pid)}/ns/pid`] };
}

/** A script that has low ids taken, as long as a command takes. */
function takeIds(command: string): string {
  return `for id in $(seq 60); do ${command} & done; wait; exec sleep 10000`;
}

/** The ids of a family in its pid namespace. */
async function idsOf(pid: number): Promise<number[]> {
  const pids = await until('a family of two', async () => {
    const found = await processTree(pid);
    return found.length === 2 && found;
  });
  return await Promise.all(pids.map(innerPid));
}

/** Takes a snapshot of a family in a pod, and removes both; resolves with its ids. */
async function snapshotOfFamily(t: ExecutionContext, name: string): Promise<number[]> {
  t.timeout(120_000);
  const pod = await startPod(t, 'exec sleep 10000');
  const id = containerId(t, 'member');
  const pid = await runContainer(daemon(), { id, image, args: FAMILY, flags: pod.flags });
  const ids = await idsOf(pid);
  await succeed(t, 'snapshot', '--name', name, id);
  await remove(t, id);
  await remove(t, pod.id);
  return ids;
}

test.serial('a clone waits for ids that processes have for a moment only', async (t) => {
  const ids = await snapshotOfFamily(t, 'brief');
  const pod = await startPod(t, takeIds('sleep 0.8'));
  const id = containerId(t, 'clone');
  const flags = [...pod.flags, '--annotation', 'mvas.restore=brief'];
  const pid = await runContainer(daemon(), { id, image, args: FAMILY, flags });
  t.deepEqual(await idsOf(pid), ids);
  await remove(t, id);
  await remove(t, pod.id);
  await succeed(t, 'rm', 'brief');
});

test.serial('a clone is refused where an id stays taken, and by whom', async (t) => {
  const ids = await snapshotOfFamily(t, 'lasting');
  const pod = await startPod(t, takeIds('sleep 10000'));
  await until('the ids to be taken', async () => (await processTree(pod.pid)).length > 60);
  const id = containerId(t, 'clone');
  const flags = [...pod.flags, '--annotation', 'mvas.restore=lasting'];
  const began = performance.now();
  const start = runContainer(daemon(), { id, image, args: FAMILY, flags });
  const { message } = await t.throwsAsync(start, { instanceOf: ShimError });
  const [, taken] =
    /id (\d+) of the checkpoint is taken in the pid namespace that it shares, by pid \1 \(sleep\), pid \d+ of the host/.exec(
      message,
    ) ?? [];
  t.true(ids.includes(Number(taken)), message);
  t.regex(message, /remedy: restore it into a new pod.* \(tried \d+ times in \d+\.\d s\)/);
  t.true(performance.now() - began > 1000);
  await t.throwsAsync(taskOf(daemon(), id));
  await daemon().tryCtr(['containers', 'rm', id]);
  await remove(t, pod.id);
  await succeed(t, 'rm', 'lasting');
});

leavesNothingBehind();
