// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { vasesOf } from '../helpers/containerd-cleanup.js';
import { runContainer } from '../helpers/containers.js';
import { BIN } from '../helpers/paths.js';
import { run } from '../helpers/run.js';
import { TasksClient } from '../helpers/tasks-client.js';
import { COUNTER } from '../helpers/workloads/counter.js';
import { containerId, daemon, leavesNothingBehind, remove, useContainerd } from './context.js';

const DIRECTORY = mkdtempSync(join(tmpdir(), 'mvas-drop-in-'));
const MVAS = join(BIN, 'mvas');
const RUNC_NAME = 'io.containerd.runc.v2';

test.before('take the name of containerd’s own shim', async () => {
  await run(MVAS, ['install', '--as', 'runc', '--dir', DIRECTORY]);
});
test.after.always('give it back', async () => {
  await run(MVAS, ['uninstall', '--as', 'runc', '--dir', DIRECTORY]);
  rmSync(DIRECTORY, { recursive: true });
});

useContainerd([COUNTER.archive], {
  env: { PATH: `${DIRECTORY}:${BIN}:${process.env['PATH'] ?? ''}` },
});

test.serial('a checkpoint with --exit reaches the shim by its drop-in name', async (t) => {
  const id = containerId(t, 'drop-in');
  const pid = await runContainer(daemon(), { id, image: COUNTER.image, runtime: RUNC_NAME });
  await COUNTER.observe(pid);
  const parent = /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '';
  t.regex(readFileSync(`/proc/${parent}/cmdline`, 'utf8'), /mvas|node/);
  const tasks = await TasksClient.open(daemon());
  t.teardown(() => {
    tasks.close();
  });
  const exit = tasks.wait(id);
  await daemon().ctr(['tasks', 'checkpoint', '--exit', id]);
  t.is(await exit, 137);
  t.is((await vasesOf(daemon())).length, 1);
  await remove(t, id);
});

test.serial('without --exit the container goes on', async (t) => {
  const id = containerId(t, 'goes-on');
  const pid = await runContainer(daemon(), { id, image: COUNTER.image, runtime: RUNC_NAME });
  await COUNTER.observe(pid);
  await daemon().ctr(['tasks', 'checkpoint', id]);
  await t.notThrowsAsync(COUNTER.observe(pid));
  await remove(t, id);
});

leavesNothingBehind();
