// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { RUNTIME, listTasks, runContainer, taskOf } from '../helpers/containers.js';
import { identify } from '../helpers/procfs.js';
import { until } from '../helpers/run.js';
import { TasksClient } from '../helpers/tasks-client.js';
import { COUNTER } from '../helpers/workloads/counter.js';
import { containerId, daemon, leavesNothingBehind, remove, useContainerd } from './context.js';

useContainerd([COUNTER.archive]);

/** Arguments of a `ctr run` in the foreground, whose container goes away by itself. */
function foreground(id: string, ...args: readonly string[]): string[] {
  const { snapshotter } = daemon();
  return [
    'run',
    '--rm',
    '--snapshotter',
    snapshotter,
    '--runtime',
    RUNTIME,
    COUNTER.image,
    id,
    ...args,
  ];
}

test.serial('ctr run prints what the container prints, each stream by itself', async (t) => {
  const id = containerId(t, 'echo');
  const result = await daemon().tryCtr(foreground(id, 'sh', '-c', 'echo out; echo err >&2'));
  t.is(result.stderr, 'err\n');
  t.is(result.stdout, 'out\n');
  t.is(result.code, 0);
});

test.serial('ctr run ends with the exit code of the container', async (t) => {
  const result = await daemon().tryCtr(foreground(containerId(t, 'exit'), 'sh', '-c', 'exit 7'));
  t.is(result.code, 7);
});

test.serial('stdin reaches the container, and so does its end', async (t) => {
  const input = 'line of input\n'.repeat(20_000);
  const result = await daemon().tryCtr(foreground(containerId(t, 'cat'), 'cat'), { input });
  t.is(result.code, 0);
  t.is(result.stdout, input);
});

test.serial('more output than any pipe holds arrives whole', async (t) => {
  const result = await daemon().tryCtr(foreground(containerId(t, 'seq'), 'seq', '1', '200000'));
  t.is(result.code, 0);
  t.is(result.stdout.length, 1288895);
  t.true(result.stdout.endsWith('\n200000\n'));
});

test.serial('a command that is not there is refused with its name', async (t) => {
  const result = await daemon().tryCtr(foreground(containerId(t, 'absent'), '/no/such/command'));
  t.not(result.code, 0);
  t.regex(result.stderr, /no\/such\/command/);
});

test.serial('ctr tasks ls and ps show the container and its processes', async (t) => {
  const id = containerId(t, 'list');
  const pid = await runContainer(daemon(), { id, image: COUNTER.image });
  t.like(
    (await listTasks(daemon())).find((line) => line.id === id),
    { pid, status: 'RUNNING' },
  );
  const listed = await daemon().ctr(['tasks', 'ps', id]);
  t.regex(listed, new RegExp(`^${String(pid)}\\b`, 'm'));
});

test.serial('exec runs inside the container and gives output and exit code', async (t) => {
  const id = containerId(t, 'exec');
  await COUNTER.observe(await runContainer(daemon(), { id, image: COUNTER.image }));
  const command = ['sh', '-c', 'echo pid $$; cat /proc/1/cmdline; exit 5'];
  const result = await daemon().tryCtr(['tasks', 'exec', '--exec-id', 'one', id, ...command]);
  t.is(result.code, 5);
  t.regex(result.stdout, /^pid \d+\n\/bin\/sh\0\/counter\.sh\0$/);
});

test.serial('a paused container stands still and goes on when resumed', async (t) => {
  const id = containerId(t, 'pause');
  const pid = await runContainer(daemon(), { id, image: COUNTER.image });
  await COUNTER.observe(pid);
  await daemon().ctr(['tasks', 'pause', id]);
  t.is((await taskOf(daemon(), id)).status, 'PAUSED');
  const first = await COUNTER.observe(pid);
  await new Promise((resolve) => setTimeout(resolve, 300)); // the time in which it must not count
  t.deepEqual(await COUNTER.observe(pid), first);
  await daemon().ctr(['tasks', 'resume', id]);
  t.is((await taskOf(daemon(), id)).status, 'RUNNING');
  await t.notThrowsAsync(
    until('the counter to go on', async () => {
      const later = await COUNTER.observe(pid);
      return later.progress['count'] !== first.progress['count'];
    }),
  );
});

test.serial('kill delivers the signal, and the exit status is reported', async (t) => {
  const id = containerId(t, 'kill');
  // Before it counts it may have no handler, and the kernel spares init from signals that it does not handle.
  await COUNTER.observe(await runContainer(daemon(), { id, image: COUNTER.image }));
  const tasks = await TasksClient.open(daemon());
  t.teardown(() => {
    tasks.close();
  });
  const gone = tasks.wait(id);
  await daemon().ctr(['tasks', 'kill', '--signal', 'SIGTERM', id]);
  t.is(await gone, 0); // the script traps SIGTERM
  t.is(await tasks.delete(id), 0);
});

test.serial('a killed container has status 137, and rm removes everything of it', async (t) => {
  const id = containerId(t, 'rm');
  const pid = await runContainer(daemon(), { id, image: COUNTER.image });
  const tasks = await TasksClient.open(daemon());
  t.teardown(() => {
    tasks.close();
  });
  const gone = tasks.wait(id);
  await daemon().ctr(['tasks', 'kill', '--signal', 'SIGKILL', id]);
  t.is(await gone, 137);
  t.is((await taskOf(daemon(), id)).status, 'STOPPED');
  await remove(t, id);
  await t.throwsAsync(identify(pid), { message: /ENOENT/ });
  t.false((await daemon().ctr(['containers', 'ls', '-q'])).includes(id));
});

leavesNothingBehind();
