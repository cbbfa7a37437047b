// SPDX-License-Identifier: Apache-2.0
import { rm } from 'node:fs/promises';
import test from 'ava';
import { taskOf } from '../helpers/containers.js';
import { mvas, type ForkedClone } from '../helpers/mvas-command.js';
import { until } from '../helpers/run.js';
import { COUNTER } from '../helpers/workloads/counter.js';
import { daemon, leavesNothingBehind, remove, useContainerd } from './context.js';
import {
  assertAlive,
  assertInStep,
  assertNothingLeft,
  begin,
  failure,
  succeed,
} from './counters.js';

/* What goes wrong beside a snapshot, a fork or a rollback: a clear error, nothing half made, the source unharmed. */

useContainerd([COUNTER.archive]);

test.serial('names and counts are checked before anything is done', async (t) => {
  const { id, pid } = await begin(t);
  const { birth } = await COUNTER.observe(pid);
  for (const count of ['0', '1001', '-1', '1e2', 'x']) {
    t.regex(await failure(t, 'fork', `--count=${count}`, id), /not a number from 1 to 1000/, count);
  }
  for (const name of ['a/b', '../x', '-x', 'x'.repeat(77), 'ä']) {
    t.regex(await failure(t, 'fork', `--name=${name}`, id), /is not a valid id of a container/);
    t.regex(await failure(t, 'snapshot', `--name=${name}`, id), /not letters, digits/);
  }
  t.regex(await failure(t, 'fork', '--count=2', '--name=x', id), /several clones need \{n\}/);
  await assertAlive(t, pid, birth);
  await assertNothingLeft(t);
  await remove(t, id);
});

test.serial('a source that ends meanwhile leaves nothing half made', async (t) => {
  for (const afterMs of [0, 100, 250, 400, 700]) {
    const { id, pid } = await begin(t);
    const { birth } = await COUNTER.observe(pid);
    const clone = `${id}-1`;
    const forking = mvas(daemon(), 'fork', '--name', clone, '--json', id);
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    process.kill(pid, 'SIGKILL');
    const { code, stdout, stderr } = await forking;
    if (code === 0) {
      const [made] = JSON.parse(stdout) as ForkedClone[];
      await assertAlive(t, made?.pid ?? 0, birth);
      await remove(t, clone);
    } else {
      t.regex(
        stderr + stdout,
        /is not running|it is stopped|has ended|ended meanwhile|was killed|not found/,
      );
      t.false((await daemon().ctr(['containers', 'ls', '-q'])).split('\n').includes(clone));
    }
    await until('its end', async () => (await taskOf(daemon(), id)).status === 'STOPPED');
    await assertNothingLeft(t);
    await remove(t, id);
  }
});

test.serial('a fork, a snapshot and a rollback at once do not harm each other', async (t) => {
  const { id, pid } = await begin(t);
  const { birth } = await COUNTER.observe(pid);
  const first = await succeed(t, 'snapshot', id);
  const works = [
    ['snapshot', id],
    ['fork', '--name', `${id}-1`, id],
    ['fork', '--name', `${id}-2`, first],
    ['rollback', id, first],
    ['rollback', id, first],
  ].map((words) => mvas(daemon(), ...words));
  const outcomes = await Promise.all(works);
  const failed = outcomes.filter(({ code }) => code !== 0);
  for (const { stderr } of failed) {
    t.regex(stderr, /being checkpointed|rolled back|is being|remedy: /);
  }
  t.true(failed.length < outcomes.length);
  const tasks = [id, `${id}-1`, `${id}-2`];
  for (const one of tasks) {
    const made = await daemon().tryCtr(['containers', 'info', one]);
    if (made.code !== 0) continue;
    const task = await taskOf(daemon(), one);
    t.is(task.status, 'RUNNING');
    await assertAlive(t, task.pid, birth);
    assertInStep(t, task.pid);
    await remove(t, one);
  }
  const all = (await succeed(t, 'ls', '--quiet')).split('\n').filter(Boolean);
  await succeed(t, 'rm', '--cascade', ...all);
  await assertNothingLeft(t);
});

test.serial('containerd that goes away in the middle loses no container', async (t) => {
  for (const afterMs of [50, 200, 350, 600]) {
    const { id, pid } = await withoutOrphan(() => begin(t));
    const { birth } = await COUNTER.observe(pid);
    const clone = `${id}-1`;
    const forking = mvas(daemon(), 'fork', '--name', clone, id);
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    await daemon().crash();
    await assertAlive(t, pid, birth);
    await daemon().restart();
    const { code, stderr } = await forking;
    if (code !== 0) t.regex(stderr, /containerd|does not answer|unavailable/i);
    t.like(await taskOf(daemon(), id), { pid, status: 'RUNNING' });
    await assertAlive(t, pid, birth);
    // What could not be undone while containerd was away is what a prune is for.
    await succeed(t, 'prune');
    await daemon().tryCtr(['tasks', 'rm', '-f', clone]);
    await daemon().tryCtr(['containers', 'rm', clone]);
    await daemon().tryCtr(['snapshots', 'rm', clone]);
    // The shim may still be at work for who has failed.
    await until('its checkpoint to end', async () => {
      const listed = JSON.parse(await succeed(t, 'ls', '--json')) as { state: string }[];
      return listed.every(({ state }) => state !== 'filling');
    });
    const all = (await succeed(t, 'ls', '--quiet')).split('\n').filter(Boolean);
    t.log(
      `${String(afterMs)} ms: ${code === 0 ? 'made' : stderr.trim()}; left: ${String(all.length)}`,
    );
    if (all.length > 0) await succeed(t, 'rm', '--cascade', ...all);
    await assertNothingLeft(t);
    await remove(t, id);
  }
});

/**
 * Starts a container after containerd was killed. Killed between the renaming of a new snapshot's directory and the end of its
 * transaction, containerd gives the same number to the next snapshot, and cannot make that.
 */
async function withoutOrphan<T>(start: () => Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (error) {
    const [, orphan] = /rename \S+ (\S+\/snapshots\/\d+): file exists/.exec(String(error)) ?? [];
    if (orphan === undefined) throw error;
    await rm(orphan, { recursive: true });
    return await start();
  }
}

leavesNothingBehind();
