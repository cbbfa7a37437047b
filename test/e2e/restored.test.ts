// SPDX-License-Identifier: Apache-2.0
import test, { type ExecutionContext } from 'ava';
import {
  checkpointContainer,
  restoreContainer,
  runContainer,
  taskOf,
} from '../helpers/containers.js';
import { removeVas, vasesOf } from '../helpers/containerd-cleanup.js';
import { tryRun, until } from '../helpers/run.js';
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

let images = 0;

/** Runs a counter, checkpoints it into a new image and removes it; resolves with the image's name. */
async function checkpointed(t: ExecutionContext): Promise<string> {
  images += 1;
  const reference = `mvas.test/restored:${String(images)}`;
  const id = containerId(t, 'original');
  await COUNTER.observe(await runContainer(daemon(), { id, image: COUNTER.image }));
  await checkpointContainer(daemon(), id, reference);
  await remove(t, id);
  return reference;
}

async function restored(t: ExecutionContext): Promise<{ id: string; pid: number }> {
  const reference = await checkpointed(t);
  const id = containerId(t, 'restored');
  return { id, pid: await restoreContainer(daemon(), id, reference) };
}

test.serial('exec and ps work in a restored container', async (t) => {
  const { id, pid } = await restored(t);
  const command = ['sh', '-c', 'cat /proc/1/cmdline; exit 5'];
  const result = await daemon().tryCtr(['tasks', 'exec', '--exec-id', 'one', id, ...command]);
  t.is(result.code, 5);
  t.is(result.stdout, '/bin/sh\0/counter.sh\0');
  t.regex(await daemon().ctr(['tasks', 'ps', id]), new RegExp(`^${String(pid)}\\b`, 'm'));
  await remove(t, id);
});

test.serial('a restored container is paused and resumed', async (t) => {
  const { id, pid } = await restored(t);
  await daemon().ctr(['tasks', 'pause', id]);
  t.is((await taskOf(daemon(), id)).status, 'PAUSED');
  const first = await COUNTER.observe(pid);
  await new Promise((resolve) => setTimeout(resolve, 300)); // the time in which it must not count
  t.deepEqual(await COUNTER.observe(pid), first);
  await daemon().ctr(['tasks', 'resume', id]);
  await t.notThrowsAsync(
    until('the counter to go on', async () => {
      const { progress } = await COUNTER.observe(pid);
      return progress['count'] !== first.progress['count'];
    }),
  );
  await remove(t, id);
});

for (const [signal, status] of [
  ['SIGTERM', 0], // which the script handles
  ['SIGKILL', 137],
] as const) {
  test.serial(`a restored container ended by ${signal} has status ${String(status)}`, async (t) => {
    const { id } = await restored(t);
    const tasks = await TasksClient.open(daemon());
    t.teardown(() => {
      tasks.close();
    });
    const gone = tasks.wait(id);
    await daemon().ctr(['tasks', 'kill', '--signal', signal, id]);
    t.is(await gone, status);
    t.is((await taskOf(daemon(), id)).status, 'STOPPED');
    t.is(await tasks.delete(id), status);
  });
}

test.serial('a restored container sits in a cgroup that only it uses', async (t) => {
  const { id, pid } = await restored(t);
  const { stdout } = await tryRun('cat', [`/proc/${String(pid)}/cgroup`]);
  const groups = stdout.split('\n').filter((line) => line.includes(daemon().namespace));
  t.true(groups.length > 0);
  if (!IS_RUNC) for (const group of groups) t.true(group.endsWith(`/${id}`), group);
  await remove(t, id);
});

(IS_RUNC ? test.serial.skip : test.serial)(
  `a checkpoint whose VAS was removed is refused with its name${IS_RUNC ? ' (runc has no VAS)' : ''}`,
  async (t) => {
    for (const old of await vasesOf(daemon())) await removeVas(daemon(), old);
    const reference = await checkpointed(t);
    const [vas = ''] = await vasesOf(daemon());
    t.not(vas, '');
    await removeVas(daemon(), vas);
    const id = containerId(t, 'orphan');
    const result = await daemon().tryCtr([
      'containers',
      'restore',
      '--live',
      '--rw',
      id,
      reference,
    ]);
    t.not(result.code, 0);
    t.regex(result.stderr, new RegExp(vas));
    t.false((await daemon().ctr(['tasks', 'ls', '-q'])).includes(id));
  },
);

leavesNothingBehind();
