// SPDX-License-Identifier: Apache-2.0
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  rmSync,
  statfsSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createContainer, runContainer } from '../helpers/containers.js';
import { until } from '../helpers/run.js';
import { COUNTER } from '../helpers/workloads/counter.js';
import { containerId, daemon, leavesNothingBehind, remove, useContainerd } from './context.js';
import {
  assertAlive,
  assertInStep,
  assertNothingLeft,
  begin,
  failure,
  succeed,
} from './counters.js';
import { openTasks } from './streams.js';

/* A disk under containerd's snapshotter on which there is no room: a clear error, nothing half made, the source unharmed. */

useContainerd([COUNTER.archive], { rootSize: '48m' });

const MIB = 1024 * 1024;

function root(): string {
  return join(daemon().directory, 'root');
}

/** Fills the disk until so many bytes are left; returns what makes room again. */
function fill(t: ExecutionContext, left: number): () => void {
  const path = join(root(), 'ballast');
  const file = openSync(path, 'w');
  const free = (): number => {
    const { bavail, bsize } = statfsSync(root());
    return bavail * bsize - left;
  };
  try {
    while (free() > 0) writeSync(file, Buffer.alloc(Math.min(free(), MIB)));
  } catch (error) {
    if (!String(error).includes('ENOSPC')) throw error; // A container has written meanwhile.
  }
  closeSync(file);
  const release = (): void => {
    rmSync(path, { force: true });
  };
  t.teardown(release);
  return release;
}

/** Writes a file in a container's root filesystem. */
async function write(id: string, path: string, mib: number): Promise<void> {
  const dd = ['dd', 'if=/dev/zero', `of=${path}`, `bs=${String(MIB)}`, `count=${String(mib)}`];
  await daemon().ctr(['tasks', 'exec', '--exec-id', 'x', id, '/usr/bin/busybox', ...dd]);
}

/** A counter that has written some MiB to its root filesystem. */
async function beginWithFile(t: ExecutionContext, mib: number) {
  const { id, pid } = await begin(t);
  await write(id, '/big', mib);
  const { birth } = await COUNTER.observe(pid);
  return { id, pid, birth };
}

const FULL =
  /copy \/big of the root .*: there is no room on the file system of (\/\S+); remedy: make/;

/** Whether a directory of containerd's snapshotter that an error has named is gone. */
function isGone(error: string): boolean {
  const [, named = ''] = FULL.exec(error) ?? [];
  return named.startsWith(root()) && (!existsSync(named) || readdirSync(named).length === 0);
}

test.serial('changes that do not fit', async (t) => {
  const { id, pid, birth } = await beginWithFile(t, 12);
  const release = fill(t, 6 * MIB);
  for (const command of [
    ['snapshot', '--name', 'big'],
    ['fork', '--name', `${id}-x`],
  ]) {
    const error = await failure(t, ...command, id);
    t.regex(error, FULL);
    await assertNothingLeft(t);
    await t.notThrowsAsync(
      until('its directory to go', () => Promise.resolve(isGone(error))),
      error,
    );
    await assertAlive(t, pid, birth);
  }
  await succeed(t, 'snapshot', '--name', 'bare', '--no-rootfs', id);
  await succeed(t, 'rm', 'bare');
  release();
  await succeed(t, 'snapshot', '--name', 'big', id);
  const second = fill(t, 6 * MIB);
  const error = await failure(t, 'rollback', id, 'big');
  t.regex(error, FULL);
  await assertAlive(t, pid, birth);
  assertInStep(t, pid);
  second();
  await succeed(t, 'rollback', id, 'big');
  await remove(t, id);
  await succeed(t, 'rm', 'big');
  await assertNothingLeft(t);
});

test.serial('a clone by the annotation whose files do not fit', async (t) => {
  const { id, pid } = await begin(t);
  // In this order: something has been copied when there is no more room.
  for (const [path, mib] of [
    ['/a-file', 1],
    ['/big', 6],
  ] as const) {
    await write(id, path, mib);
  }
  const { birth } = await COUNTER.observe(pid);
  await succeed(t, 'snapshot', '--name', 'big', id);
  const clone = containerId(t, 'clone');
  const flags = ['--annotation', 'mvas.restore=big'];
  await createContainer(daemon(), { id: clone, image: COUNTER.image, flags });
  const tasks = await openTasks(t);
  const release = fill(t, 3 * MIB);
  await t.throwsAsync(tasks.begin(clone, {}), { message: FULL });
  const { bavail, bsize } = statfsSync(root());
  t.true(bavail * bsize > 2.5 * MIB, 'what was copied is gone');
  release();
  const started = await tasks.begin(clone, {});
  await assertAlive(t, started, birth);
  assertInStep(t, started);
  for (const one of [clone, id]) await remove(t, one);
  await succeed(t, 'rm', 'big');
});

test.serial('a disk that is full to the last byte', async (t) => {
  const { id, pid } = await begin(t);
  const { birth } = await COUNTER.observe(pid);
  const release = fill(t, 0);
  const error = await failure(t, 'snapshot', '--name', 'none', id);
  t.regex(error, /no (room|space left) on .*remedy: make room on/);
  release();
  await assertNothingLeft(t);
  t.is((await COUNTER.observe(pid)).birth, birth);
  await assertAlive(t, pid, birth);
  await succeed(t, 'snapshot', '--name', 'some', id);
  await succeed(t, 'rm', 'some');
  await remove(t, id);
  const again = containerId(t, 'again');
  await COUNTER.observe(await runContainer(daemon(), { id: again, image: COUNTER.image }));
  await remove(t, again);
});

leavesNothingBehind();
