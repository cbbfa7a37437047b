// SPDX-License-Identifier: Apache-2.0
import test, { type ExecutionContext } from 'ava';
import {
  checkpointContainer,
  removeImage,
  restoreContainer,
  runContainer,
  taskOf,
} from '../helpers/containers.js';
import { quiet } from '../helpers/netns-connection.js';
import { identify, innerPid, processTree } from '../helpers/procfs.js';
import { until } from '../helpers/run.js';
import { TasksClient } from '../helpers/tasks-client.js';
import type { Observation, Workload } from '../helpers/workloads/workload.js';
import {
  IS_RUNC,
  containerId,
  daemon,
  leavesNothingBehind,
  remove,
  useContainerd,
} from './context.js';

/** A running instance of a workload, and what it reported right before its checkpoint. */
interface Instance {
  readonly id: string;
  readonly pid: number;
  readonly seen: Observation;
}

/** How far the original runs ahead of its checkpoint, if the workload does not say. */
const AHEAD = 200;

let images = 0;

/**
 * Declares the tests of checkpoint and restore for one workload. One workload per file. `criuRefuses`
 * says why containerd's own runtime cannot checkpoint the workload on every host; `hasAllHeirs`: as for `useContainerd`.
 */
export function checkpointTests(
  workload: Workload,
  { criuRefuses, hasAllHeirs = false }: { criuRefuses?: string; hasAllHeirs?: boolean } = {},
): void {
  const reason = IS_RUNC && criuRefuses !== undefined ? ` (CRIU refuses: ${criuRefuses})` : '';
  const serial = reason === '' ? test.serial : test.serial.skip;
  // containerd's own runtime restores into the old cgroup: not while the original is there.
  const sideBySide = IS_RUNC ? test.serial.skip : test.serial;
  const label = `${workload.name}${reason}`;

  useContainerd([workload.archive], { hasAllHeirs });
  serial(`${label}: goes on untouched after a checkpoint that leaves it running`, async (t) => {
    await leaveRunning(t, workload);
  });
  serial(`${label}: ends by a checkpoint with exit, and goes on in a new task`, async (t) => {
    await checkpointWithExit(t, workload);
  });
  serial(`${label}: a restored container is checkpointed and restored again`, async (t) => {
    await secondGeneration(t, workload);
  });
  const why = IS_RUNC ? ' (not with runc, whose restore wants the old cgroup empty)' : '';
  sideBySide(
    `${label}: two are restored from one checkpoint beside the original${why}`,
    async (t) => {
      await twoBesideTheOriginal(t, workload);
    },
  );
  leavesNothingBehind();
}

async function leaveRunning(t: ExecutionContext, workload: Workload): Promise<void> {
  const { id, pid, seen } = await begin(t, workload);
  const before = await Promise.all((await stableProcesses(workload, pid)).map(identify));
  await checkpointContainer(daemon(), id, nextReference());

  await until(
    'the twins to go',
    async () => (await stableProcesses(workload, pid)).length <= before.length,
  );
  t.deepEqual(await Promise.all((await stableProcesses(workload, pid)).map(identify)), before);
  t.like(await taskOf(daemon(), id), { pid, status: 'RUNNING' });
  assertSameLife(t, seen, await workload.observe(pid));
  await assertAlive(t, workload, pid);
  await remove(t, id);
}

async function checkpointWithExit(t: ExecutionContext, workload: Workload): Promise<void> {
  const { id, pid, seen } = await begin(t, workload);
  const original = await identify(pid);
  const tasks = await TasksClient.open(daemon());
  t.teardown(() => {
    tasks.close();
  });
  const ended = tasks.wait(id);
  await daemon().ctr(['tasks', 'pause', id]);
  const checkpoint = await tasks.checkpoint(id, { exit: true });
  t.is(await ended, 137);
  t.is((await taskOf(daemon(), id)).status, 'STOPPED');
  await t.throwsAsync(identify(pid), { message: /ENOENT/ });
  t.is(await tasks.delete(id), 137);

  const restored = await tasks.restore(id, checkpoint);
  t.notDeepEqual(await identify(restored), original);
  await assertRestored(t, workload, restored, seen);
  await remove(t, id);
}

async function secondGeneration(t: ExecutionContext, workload: Workload): Promise<void> {
  const first = await begin(t, workload);
  const original = await identify(first.pid);
  const firstReference = nextReference();
  await checkpointContainer(daemon(), first.id, firstReference);
  await remove(t, first.id);

  const second = containerId(t, 'second');
  const secondPid = await restoreContainer(daemon(), second, firstReference);
  t.notDeepEqual(await identify(secondPid), original);
  const seen = await assertRestored(t, workload, secondPid, first.seen);
  await settle(workload, secondPid);
  await removeImage(daemon(), firstReference); // a restored container no longer needs any of it
  const secondReference = nextReference();
  await checkpointContainer(daemon(), second, secondReference);
  assertSameLife(t, seen, await workload.observe(secondPid));
  await remove(t, second);

  const third = containerId(t, 'third');
  const thirdPid = await restoreContainer(daemon(), third, secondReference);
  await assertRestored(t, workload, thirdPid, seen);
  await remove(t, third);
}

async function twoBesideTheOriginal(t: ExecutionContext, workload: Workload): Promise<void> {
  const { id, pid, seen } = await begin(t, workload);
  const reference = nextReference();
  await checkpointContainer(daemon(), id, reference);
  const ahead = await runAhead(workload, pid, seen);

  const ids = [containerId(t, 'left'), containerId(t, 'right')] as const;
  const restore = async (name: string): Promise<number> => {
    const clone = await restoreContainer(daemon(), name, reference);
    const first = await workload.observe(clone); // at once, since it does not stand still
    const why = 'a clone goes on from the checkpoint, not from where the original is';
    t.true(isBehind(first, ahead), why);
    return clone;
  };
  const [left, right] = await Promise.all([restore(ids[0]), restore(ids[1])]);
  t.is(new Set([pid, left, right]).size, 3);
  for (const clone of [left, right]) await assertRestored(t, workload, clone, seen);
  if (workload.mutate) {
    const untouched = await workload.observe(right);
    await workload.mutate(left);
    t.notDeepEqual((await workload.observe(left)).fixed, seen.fixed);
    t.deepEqual((await workload.observe(right)).fixed, untouched.fixed);
    t.deepEqual((await workload.observe(pid)).fixed, seen.fixed);
  }
  await remove(t, ids[0]);
  await assertAlive(t, workload, right);
  await assertAlive(t, workload, pid);
  await remove(t, ids[1]);
  await remove(t, id);
}

async function begin(t: ExecutionContext, workload: Workload): Promise<Instance> {
  t.timeout(240_000);
  const id = containerId(t, 'original');
  const pid = await runContainer(daemon(), { id, image: workload.image });
  await workload.observe(pid);
  await workload.prepare?.(pid);
  await settle(workload, pid); // one that answers may not have made the last of its processes yet
  const seen = await workload.observe(pid);
  await settle(workload, pid);
  return { id, pid, seen };
}

async function settle(workload: Workload, pid: number): Promise<void> {
  await quiet(pid);
  if (workload.processes === undefined) return;
  await until(`${workload.name} to have its processes`, async () => {
    return (await processTree(pid)).length === workload.processes;
  });
}

async function stableProcesses(workload: Workload, pid: number): Promise<number[]> {
  return workload.processes === undefined ? [pid] : await processTree(pid);
}

async function assertRestored(
  t: ExecutionContext,
  workload: Workload,
  pid: number,
  seen: Observation,
): Promise<Observation> {
  t.is(await innerPid(pid), 1);
  const now = await workload.observe(pid);
  assertSameLife(t, seen, now);
  if (workload.processes !== undefined) t.is((await processTree(pid)).length, workload.processes);
  return await assertAlive(t, workload, pid);
}

function assertSameLife(t: ExecutionContext, earlier: Observation, later: Observation): void {
  t.is(later.birth, earlier.birth);
  t.deepEqual(later.fixed, earlier.fixed);
  for (const [name, count] of Object.entries(earlier.progress)) {
    const now = later.progress[name] ?? -1;
    t.true(now >= count, `${name} went from ${String(count)} back to ${String(now)}`);
  }
}

/** Asserts that every counter of the workload goes on, and resolves with the last observation. */
async function assertAlive(
  t: ExecutionContext,
  workload: Workload,
  pid: number,
): Promise<Observation> {
  const first = await workload.observe(pid);
  const last = await until(`every counter of ${workload.name} to go on`, async () => {
    const now = await workload.observe(pid);
    const names = Object.keys(first.progress);
    return names.every((name) => (now.progress[name] ?? 0) > (first.progress[name] ?? 0)) && now;
  });
  assertSameLife(t, first, last);
  return last;
}

async function runAhead(workload: Workload, pid: number, seen: Observation): Promise<Observation> {
  const wait = { timeoutMs: 180_000 };
  return await until(
    `${workload.name} to run ahead of its checkpoint`,
    async () => {
      const now = await workload.observe(pid);
      const name = Object.keys(now.progress)[0] ?? '';
      return (
        (now.progress[name] ?? 0) > (seen.progress[name] ?? 0) + (workload.ahead ?? AHEAD) && now
      );
    },
    wait,
  );
}

function isBehind(now: Observation, ahead: Observation): boolean {
  return Object.keys(now.progress).some(
    (name) => (now.progress[name] ?? 0) < (ahead.progress[name] ?? 0),
  );
}

function nextReference(): string {
  images += 1;
  return `mvas.test/checkpoint:${String(images)}`;
}
