// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { vasesOf } from '../helpers/containerd-cleanup.js';
import { listTasks, runContainer, taskOf } from '../helpers/containers.js';
import { EventLog } from '../helpers/event-log.js';
import { until } from '../helpers/run.js';
import { TasksClient } from '../helpers/tasks-client.js';
import { COUNTER } from '../helpers/workloads/counter.js';
import {
  IS_RUNC,
  containerId,
  daemon,
  leavesNothingBehind,
  remove,
  useContainerd,
} from './context.js';

useContainerd([COUNTER.archive]);

async function counting(id: string): Promise<number> {
  const pid = await runContainer(daemon(), { id, image: COUNTER.image });
  await COUNTER.observe(pid);
  return pid;
}

/** Waits until a counter has gone on. */
async function goesOn(pid: number): Promise<void> {
  const { birth, progress } = await COUNTER.observe(pid);
  await until('the counter to go on', async () => {
    const later = await COUNTER.observe(pid);
    return later.birth === birth && later.progress['count'] !== progress['count'];
  });
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`) && !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}

async function exitOf(t: ExecutionContext, id: string): Promise<Promise<number>> {
  const tasks = await TasksClient.open(daemon());
  t.teardown(() => {
    tasks.close();
  });
  return tasks.wait(id);
}

test.serial('a container goes on while containerd is away, and is its own again', async (t) => {
  const id = containerId(t, 'runs');
  const pid = await counting(id);
  await daemon().crash();
  await goesOn(pid);
  await daemon().restart();
  t.like(await taskOf(daemon(), id), { pid, status: 'RUNNING' });
  t.is(await daemon().ctr(['tasks', 'exec', '--exec-id', 'a', id, 'echo', 'here']), 'here\n');
  const exit = exitOf(t, id);
  await daemon().ctr(['tasks', 'kill', '--signal', 'SIGKILL', id]);
  t.is(await exit, 137);
  await remove(t, id);
});

test.serial('an exec and a pause outlast containerd', async (t) => {
  const id = containerId(t, 'exec');
  const pid = await counting(id);
  const exec = ['tasks', 'exec', '--detach', '--exec-id', 'long', id, 'sleep', '1000'];
  await daemon().ctr(exec, { discardOutput: true });
  await daemon().ctr(['tasks', 'pause', id]);
  await daemon().crash();
  await daemon().restart();
  t.like(await taskOf(daemon(), id), { pid, status: 'PAUSED' });
  await daemon().ctr(['tasks', 'resume', id]);
  await goesOn(pid);
  t.regex(await daemon().ctr(['tasks', 'ps', id]), /exec_id|long/);
  const log = await EventLog.open(daemon());
  t.teardown(() => {
    log.close();
  });
  await daemon().ctr(['tasks', 'kill', '--signal', 'SIGKILL', '--exec-id', 'long', id]);
  const { fields } = await log.next(id, '/tasks/exit');
  t.like(fields, { id: 'long', exit_status: 137 });
  await remove(t, id);
});

test.serial('a container that ends while containerd is away is found ended, or gone', async (t) => {
  const id = containerId(t, 'ends');
  const pid = await counting(id);
  await daemon().crash();
  process.kill(pid, 'SIGKILL');
  await until('it to end', () => Promise.resolve(!isAlive(pid)));
  await daemon().restart();
  // containerd from 1.7 on removes such a task when it starts.
  const status = await until('containerd to know', async () => {
    const task = (await listTasks(daemon())).find((line) => line.id === id);
    return task === undefined ? 'gone' : task.status === 'STOPPED' && task.status;
  });
  t.log(status);
  await daemon().tryCtr(['tasks', 'rm', '-f', id]);
  await t.notThrowsAsync(daemon().ctr(['containers', 'rm', id]));
});

(IS_RUNC ? test.serial.skip : test.serial)(
  `a checkpoint that loses containerd harms nobody${IS_RUNC ? ' (needs the engine)' : ''}`,
  async (t) => {
    const id = containerId(t, 'ckpt');
    const pid = await counting(id);
    const args = ['containers', 'checkpoint', '--task', '--rw', id, 'mvas.test/restart:1'];
    const lost = daemon().tryCtr(args);
    await until('the checkpoint to begin', async () => (await vasesOf(daemon())).length > 0, {
      everyMs: 1,
    });
    await daemon().crash();
    await lost;
    await daemon().restart();
    const { status } = await until('an answer', async () => await taskOf(daemon(), id));
    t.log(status);
    t.true(['RUNNING', 'PAUSED'].includes(status), status);
    if (status === 'PAUSED') await daemon().ctr(['tasks', 'resume', id]); // as its client would have
    await goesOn(pid);
    await daemon().tryCtr(['images', 'rm', '--sync', 'mvas.test/restart:1']);
    // The shim may still be at the one that nobody waits for.
    const again = [...args.slice(0, -1), 'mvas.test/restart:2'];
    await until('another checkpoint', async () => (await daemon().ctr(again)) !== undefined);
    await goesOn(pid);
    await remove(t, id);
  },
);

test.serial(
  'a shim that is killed takes its container with it, and containerd says so',
  async (t) => {
    const id = containerId(t, 'shim');
    const pid = await counting(id);
    const log = await EventLog.open(daemon());
    t.teardown(() => {
      log.close();
    });
    process.kill(parentOf(pid), 'SIGKILL');
    t.like((await log.next(id, '/tasks/exit')).fields, { exit_status: 137, pid });
    await log.next(id, '/tasks/delete');
    await until('the container to end', () => Promise.resolve(!isAlive(pid)));
    const isGone = async () => (await listTasks(daemon())).length === 0;
    await t.notThrowsAsync(until('the task to go', isGone));
    const { directory, namespace } = daemon();
    const bundle = join(directory, 'state/io.containerd.runtime.v2.task', namespace, id);
    await until('the bundle to be removed', () => Promise.resolve(!existsSync(bundle)));
    t.false(existsSync(`/run/containerd/runc/${namespace}/${id}`));
    await daemon().ctr(['containers', 'rm', id]);
  },
);

leavesNothingBehind();
