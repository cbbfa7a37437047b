// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { vasRoot } from '../helpers/containerd-cleanup.js';
import { runContainer, taskOf } from '../helpers/containers.js';
import { imageArchive } from '../helpers/images/archive.js';
import { until } from '../helpers/run.js';
import { counterRoot, COUNTER } from '../helpers/workloads/counter.js';
import { containerId, daemon, leavesNothingBehind, remove, useContainerd } from './context.js';
import { assertAlive, assertInStep, begin, succeed } from './counters.js';
import { openTasks } from './streams.js';

useContainerd([COUNTER.archive, otherArchive]);

/** An image with the counter's command, and other files. */
const OTHER = 'mvas.test/other-counter:1';

async function otherArchive(): Promise<string> {
  const root = await counterRoot();
  root.content('other', 'x');
  return await imageArchive(OTHER, root, { args: ['/bin/sh', '/counter.sh'] });
}

/** Runs a command in a container. */
async function exec(id: string, ...args: readonly string[]): Promise<void> {
  const busybox = ['tasks', 'exec', '--exec-id', 'x', id, '/usr/bin/busybox'];
  await daemon().ctr([...busybox, ...args]);
}

/** A container that the client makes of the image, with an annotation. */
async function startFrom(t: ExecutionContext, snapshot: string, image = COUNTER.image) {
  const id = containerId(t, 'annotated');
  const flags = ['--annotation', `mvas.restore=${snapshot}`];
  return { id, pid: await runContainer(daemon(), { id, image, flags }) };
}

function rootOf(pid: number, path: string): string {
  return `/proc/${String(pid)}/root${path}`;
}

test.serial('a clone by the annotation has the files of the snapshot', async (t) => {
  const { id, pid } = await begin(t);
  const { birth } = await COUNTER.observe(pid);
  await exec(id, 'mkdir', '/made');
  await exec(id, 'cp', '/counter.sh', '/made/copy');
  await exec(id, 'rm', '/lines.sh');
  await succeed(t, 'snapshot', '--name', 'first', id);
  await exec(id, 'rm', '/made/copy');
  const one = await startFrom(t, 'first');
  await assertAlive(t, one.pid, birth);
  assertInStep(t, one.pid);
  t.is(
    readFileSync(rootOf(one.pid, '/made/copy'), 'utf8'),
    readFileSync(rootOf(pid, '/counter.sh'), 'utf8'),
  );
  t.false(existsSync(rootOf(one.pid, '/lines.sh')));

  // Its files are its own: they stay when the snapshot goes.
  await succeed(t, 'rm', '--cascade', 'first');
  await assertAlive(t, one.pid, birth);
  await succeed(t, 'snapshot', '--name', 'second', one.id);
  const two = await startFrom(t, 'second');
  await assertAlive(t, two.pid, birth);
  assertInStep(t, two.pid);
  await succeed(t, 'rm', '--cascade', 'second');
  for (const gone of [id, one.id, two.id]) await remove(t, gone);
});

/** The number of a container's file, as a program in it sees it. */
async function inodeOf(id: string, path: string): Promise<number> {
  const stat = ['/usr/bin/busybox', 'stat', '-c', '%i', path];
  return Number(await daemon().ctr(['tasks', 'exec', '--exec-id', 'x', id, ...stat]));
}

test.serial(
  'a changed file of the image keeps its inode number, as after a rollback',
  async (t) => {
    const { id } = await begin(t);
    await exec(id, 'dd', 'if=/counter.sh', 'of=/lines.sh');
    await exec(id, 'cp', '/counter.sh', '/own');
    const before = await inodeOf(id, '/lines.sh');
    await succeed(t, 'snapshot', '--name', 'numbers', id);
    const clone = await startFrom(t, 'numbers');
    t.is(await inodeOf(clone.id, '/lines.sh'), before);
    t.not(await inodeOf(clone.id, '/own'), await inodeOf(id, '/own'), 'one of its own does not');
    await succeed(t, 'rollback', id, 'numbers');
    t.is(await inodeOf(id, '/lines.sh'), before);
    await succeed(t, 'rm', '--cascade', 'numbers');
    for (const gone of [id, clone.id]) await remove(t, gone);
  },
);

test.serial('also of a snapshot of a clone, whose files lie in two layers', async (t) => {
  const { id, pid } = await begin(t);
  const { birth } = await COUNTER.observe(pid);
  await exec(id, 'mkdir', '/made');
  await exec(id, 'cp', '/counter.sh', '/made/one');
  await exec(id, 'cp', '/counter.sh', '/made/two');
  const fork = `${id}-fork`;
  await succeed(t, 'fork', '--name', fork, id);
  await exec(fork, 'rm', '/made/one');
  await exec(fork, 'cp', '/counter.sh', '/made/three');
  await succeed(t, 'snapshot', '--name', 'deep', fork);
  const clone = await startFrom(t, 'deep');
  await assertAlive(t, clone.pid, birth);
  assertInStep(t, clone.pid);
  const found = ['one', 'two', 'three'].map((name) =>
    existsSync(rootOf(clone.pid, `/made/${name}`)),
  );
  t.deepEqual(found, [false, true, true]);
  await succeed(t, 'rm', '--cascade', 'deep');
  for (const gone of [id, fork, clone.id]) await remove(t, gone);
});

test.serial('a root filesystem that something has been written to stays as it is', async (t) => {
  const { id, pid } = await begin(t);
  const { birth } = await COUNTER.observe(pid);
  await succeed(t, 'snapshot', '--name', 'again', id);
  const clone = await startFrom(t, 'again');
  await exec(clone.id, 'cp', '/counter.sh', '/later');
  await daemon().ctr(['tasks', 'rm', '-f', clone.id]);
  const tasks = await openTasks(t);
  const again = await tasks.begin(clone.id, {});
  await assertAlive(t, again, birth);
  t.true(existsSync(rootOf(again, '/later')));
  const line = /it lacks the files of its snapshot.*written to its root filesystem before/;
  await t.notThrowsAsync(
    until('a line in the log', () =>
      Promise.resolve(line.test(readFileSync(daemon().logFile, 'utf8'))),
    ),
  );
  t.is((await taskOf(daemon(), clone.id)).pid, again);
  await succeed(t, 'rm', '--cascade', 'again');
  for (const gone of [id, clone.id]) await remove(t, gone);
});

test.serial('a container of another image is refused, by the names of both', async (t) => {
  const { id, pid } = await begin(t);
  const { birth } = await COUNTER.observe(pid);
  await succeed(t, 'snapshot', '--name', 'files', id);
  await succeed(t, 'snapshot', '--name', 'memory', '--no-rootfs', id);
  const digest = '\\(sha256:[0-9a-f]{12}\\)';
  const message = new RegExp(
    `is of image ${COUNTER.image} ${digest}.* is of ${OTHER} ${digest}; remedy`,
  );
  for (const name of ['files', 'memory']) {
    await t.throwsAsync(startFrom(t, name, OTHER), { message });
  }
  const tag = 'mvas.test/other-name:1';
  await daemon().ctr(['images', 'tag', COUNTER.image, tag]);
  for (const name of ['files', 'memory']) {
    const clone = await startFrom(t, name, tag);
    await assertAlive(t, clone.pid, birth);
    await remove(t, clone.id);
  }
  await daemon().ctr(['images', 'rm', tag]);
  await succeed(t, 'rm', '--cascade', 'files', 'memory');
  await remove(t, id);
});

test.serial('the same image may have been unpacked twice', async (t) => {
  const { id, pid } = await begin(t);
  const { birth } = await COUNTER.observe(pid);
  const snapshot = await succeed(t, 'snapshot', '--name', 'twice', id);
  const path = join(vasRoot(daemon()), snapshot, 'snapshot.json');
  const record = JSON.parse(readFileSync(path, 'utf8')) as { readonly layers: string[] };
  const [upper = '', ...image] = record.layers;
  const layers = [upper, ...image.map((layer) => `${layer}-elsewhere`)];
  writeFileSync(path, JSON.stringify({ ...record, layers }));
  const clone = await startFrom(t, 'twice');
  await assertAlive(t, clone.pid, birth);
  assertInStep(t, clone.pid);
  await succeed(t, 'rm', '--cascade', 'twice');
  for (const gone of [id, clone.id]) await remove(t, gone);
});

leavesNothingBehind();
