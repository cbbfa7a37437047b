// SPDX-License-Identifier: Apache-2.0
import { realpathSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import {
  checkpointContainer,
  removeImage,
  restoreContainer,
  runContainer,
} from '../helpers/containers.js';
import { until } from '../helpers/run.js';
import { TasksClient } from '../helpers/tasks-client.js';
import { PYTHON } from '../helpers/workloads/python.js';
import {
  IS_RUNC,
  containerId,
  daemon,
  leavesNothingBehind,
  remove,
  useContainerd,
} from './context.js';

/** A server that an exec has started, as `docker exec -d` does, beside an init that waits for SIGTERM. */

useContainerd([PYTHON.archive]);

const serial = IS_RUNC ? test.serial.skip : test.serial;
const INTERPRETER = [realpathSync('/usr/bin/python3'), '-I', '-S'];
const STATUS = 9;
const SIGTERM = 15;
const WAIT = `
import signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [${String(SIGTERM)}])
signal.sigwait([${String(SIGTERM)}])
sys.exit(${String(STATUS)})`;

/** Starts the container and the server; resolves once that answers, with the pid of init. */
async function begin(
  t: ExecutionContext,
  flags: readonly string[] = [],
): Promise<{ id: string; pid: number }> {
  const id = containerId(t, 'served');
  const args = [...INTERPRETER, '-c', WAIT];
  const pid = await runContainer(daemon(), { id, image: PYTHON.image, args, flags });
  const server = [...INTERPRETER, '/service.py'];
  await daemon().ctr(['tasks', 'exec', '--detach', '--exec-id', 'server', id, ...server]);
  await until('the server', () => isServed(pid));
  return { id, pid };
}

async function isServed(pid: number): Promise<boolean> {
  return await PYTHON.observe(pid).then(
    () => true,
    () => false,
  );
}

/** The number of its processes. */
async function countOf(id: string): Promise<number> {
  const listed = await daemon().ctr(['tasks', 'ps', id]);
  return listed.trim().split('\n').length - 1;
}

serial(
  'a server by exec is restored, again after a second checkpoint, and ends with init',
  async (t) => {
    const first = await begin(t);
    const { birth } = await PYTHON.observe(first.pid);
    const reference = 'mvas.test/execs:1';
    await checkpointContainer(daemon(), first.id, reference);
    t.is((await PYTHON.observe(first.pid)).birth, birth);
    await remove(t, first.id);

    const second = containerId(t, 'second');
    const secondPid = await restoreContainer(daemon(), second, reference);
    t.is((await PYTHON.observe(secondPid)).birth, birth);
    await removeImage(daemon(), reference);
    await checkpointContainer(daemon(), second, reference);
    t.is((await PYTHON.observe(secondPid)).birth, birth);
    await remove(t, second);

    const third = containerId(t, 'third');
    const pid = await restoreContainer(daemon(), third, reference);
    t.is((await PYTHON.observe(pid)).birth, birth);
    t.is(await countOf(third), 1 + (PYTHON.processes ?? 0));
    const tasks = await TasksClient.open(daemon());
    t.teardown(() => {
      tasks.close();
    });
    const ended = tasks.wait(third);
    await tasks.kill(third, SIGTERM);
    t.is(await ended, STATUS);
    t.false(await isServed(pid));
    await remove(t, third);
  },
);

serial('an annotation leaves execs out of the checkpoint', async (t) => {
  const { id, pid } = await begin(t, ['--annotation', 'mvas.exec=drop']);
  const { birth } = await PYTHON.observe(pid);
  const reference = 'mvas.test/execs:2';
  await checkpointContainer(daemon(), id, reference);
  t.is((await PYTHON.observe(pid)).birth, birth);
  await remove(t, id);
  const restored = containerId(t, 'restored');
  await restoreContainer(daemon(), restored, reference);
  t.is(await countOf(restored), 1);
  await remove(t, restored);
});

leavesNothingBehind();
