// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { assertInvariant } from '../../src/common/errors.js';
import {
  checkpointContainer,
  checkpointIn,
  removeImage,
  restoreContainer,
  taskOf,
} from '../helpers/containers.js';
import { COUNTER } from '../helpers/workloads/counter.js';
import { containerId, daemon, leavesNothingBehind, remove, useContainerd } from './context.js';
import { assertAlive, assertInStep, begin, succeed } from './counters.js';
import { openTasks } from './streams.js';

/** Containers with a user namespace, whose ids are the host's from here on. */

useContainerd([COUNTER.archive]);

const FIRST = 100_000;
const MAP = `0:${String(FIRST)}:65536`;
const FLAGS = ['--uidmap', MAP, '--gidmap', MAP];
/** Files of the image are copied and given away, or a mount shows them with other ids. */
const VERSION = execFileSync('containerd', ['--version'], { encoding: 'utf8' });
const HAS_MAPPED = !VERSION.includes(' 1.6.');
/** Archives of what such a container has changed do not have the owners of its files. */
const LOSES_OWNERS = / v?2\.\d/.test(VERSION);
const mapped = HAS_MAPPED ? test.serial : test.serial.skip;
const why = HAS_MAPPED ? '' : ' (containerd 1.6 cannot do that)';
const KINDS = { copied: FLAGS, mapped: [...FLAGS, '--remap-labels'] };
type Kind = keyof typeof KINDS;

/** Asserts that a container's processes, and its files, belong to its user namespace. */
function assertMapped(t: ExecutionContext, pid: number): void {
  const read = (name: string): string => readFileSync(`/proc/${String(pid)}/${name}`, 'utf8');
  t.deepEqual(read('uid_map').trim().split(/\s+/), ['0', String(FIRST), '65536']);
  t.regex(read('status'), new RegExp(`^Uid:(\\s+${String(FIRST)}){4}$`, 'm'));
  for (const path of ['', 'usr', 'counter.sh', 'state']) {
    const { uid, gid } = statSync(`/proc/${String(pid)}/root/${path}`);
    t.deepEqual([path, uid, gid], [path, FIRST, FIRST]);
  }
}

/** Asserts that the root filesystem has what was changed before the snapshot. */
function assertChanged(t: ExecutionContext, pid: number): void {
  const root = `/proc/${String(pid)}/root`;
  const { uid, gid } = statSync(`${root}/mine`);
  t.deepEqual([uid, gid], [FIRST + 1000, FIRST + 1001]);
  t.false(existsSync(`${root}/lines.sh`));
}

async function exec(id: string, script: string): Promise<string> {
  const name = daemon().uniqueId('x');
  return await daemon().ctr(['tasks', 'exec', '--exec-id', name, id, '/bin/sh', '-c', script]);
}

const lives = test.macro(async (t: ExecutionContext, kind: Kind) => {
  const { id, pid } = await begin(t, { flags: KINDS[kind] });
  assertMapped(t, pid);
  t.is(await exec(id, 'echo $(id -u) $(id -g); echo x > /new'), '0 0\n');
  t.is(statSync(`/proc/${String(pid)}/root/new`).uid, FIRST);
  await remove(t, id);
});
test.serial('a container lives, its files copied', lives, 'copied');
mapped(`a container lives, its files shown with other ids${why}`, lives, 'mapped');

const goesOn = test.macro(async (t: ExecutionContext, kind: Kind) => {
  const { id, pid } = await begin(t, { flags: KINDS[kind] });
  const { birth } = await COUNTER.observe(pid);
  const reference = `mvas.test/user-namespace:${kind}`;
  await checkpointContainer(daemon(), id, reference);
  await assertAlive(t, pid, birth);
  const tasks = await openTasks(t);
  const checkpoint = await checkpointIn(daemon(), reference);
  assertInvariant(checkpoint !== undefined, 'a checkpoint has its task');
  await daemon().ctr(['tasks', 'rm', '-f', id]);
  const again = await tasks.restore(id, checkpoint);
  await assertAlive(t, again, birth);
  assertMapped(t, again);
  t.is(await exec(id, 'id -u'), '0\n');
  await remove(t, id);
  await removeImage(daemon(), reference);
});
test.serial('it goes on after a checkpoint, and from it, its files copied', goesOn, 'copied');
mapped(`it goes on after a checkpoint, its files shown with other ids${why}`, goesOn, 'mapped');

const lossy = LOSES_OWNERS ? test.serial : test.serial.skip;
const whyNot = LOSES_OWNERS ? '' : ' (containerd before 2 does not lose them)';
lossy(`another container gets no files without owners${whyNot}`, async (t) => {
  const { id, pid } = await begin(t, { flags: KINDS.mapped });
  const { birth } = await COUNTER.observe(pid);
  const reference = 'mvas.test/user-namespace:archive';
  await checkpointContainer(daemon(), id, reference);
  const other = containerId(t, 'other');
  await t.throwsAsync(restoreContainer(daemon(), other, reference), {
    message:
      /\/\S+ of its root filesystem belongs to nobody in its user namespace.*remedy: take a snapshot/,
  });
  await assertAlive(t, pid, birth);
  await daemon().tryCtr(['tasks', 'rm', '-f', other]);
  await daemon().ctr(['containers', 'rm', other]);
  await remove(t, id);
  await removeImage(daemon(), reference);
});

const forks = test.macro(async (t: ExecutionContext, kind: Kind) => {
  const { id, pid } = await begin(t, { flags: KINDS[kind] });
  const { birth } = await COUNTER.observe(pid);
  await exec(id, 'echo mine > /mine; busybox chown 1000:1001 /mine; rm /lines.sh');
  await succeed(t, 'snapshot', '--name', 'first', id);
  await assertAlive(t, pid, birth);
  const name = `${id}-clone`;
  await succeed(t, 'fork', '--name', name, 'first');
  const clone = (await taskOf(daemon(), name)).pid;
  await assertAlive(t, clone, birth);
  assertInStep(t, clone);
  assertMapped(t, clone);
  assertChanged(t, clone);
  t.is(await exec(name, 'echo more >> /state && id -u'), '0\n');
  await exec(id, 'rm /mine');
  const { pid: back } = JSON.parse(await succeed(t, 'rollback', '--json', id)) as { pid: number };
  await assertAlive(t, back, birth);
  assertInStep(t, back);
  assertMapped(t, back);
  assertChanged(t, back);
  await succeed(t, 'rm', 'first');
  for (const one of [name, id]) await remove(t, one);
});
test.serial('it is forked and rolled back, its files copied', forks, 'copied');
mapped(`it is forked and rolled back, its files shown with other ids${why}`, forks, 'mapped');

leavesNothingBehind();
