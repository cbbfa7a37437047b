// SPDX-License-Identifier: Apache-2.0
import test, { type ExecutionContext } from 'ava';
import { appRequest, endOf, goesOn, type App } from '../helpers/apps/app.js';
import { runContainer, taskOf } from '../helpers/containers.js';
import { mvas } from '../helpers/mvas-command.js';
import { IS_RUNC, containerId, daemon, remove } from './context.js';

/**
 * Declares the test of a program under load: it is checkpointed and left running, restored twice side by side, and one
 * of these is checkpointed and restored again. All four go on, end their load, and find that everything was right.
 * Precondition: `useContainerd` imports the image.
 */
export function appTest(app: App): void {
  const serial = IS_RUNC ? test.serial.skip : test.serial;
  serial(`${app.name}: under load, all restored from its checkpoint go on`, async (t) => {
    t.timeout(600_000);
    const original = containerId(t, 'original');
    const pid = await runContainer(daemon(), { id: original, ...appRequest(app) });
    await goesOn(pid);
    const [left = '', right = ''] = await fork(t, original, 2);
    await Promise.all([left, right, original].map((id) => proceed(id)));
    const again = await fork(t, left, 1);
    await Promise.all([...again, left, right, original].map((id) => finish(t, id)));
  });
}

async function proceed(id: string): Promise<number> {
  const { pid } = await taskOf(daemon(), id);
  await goesOn(pid);
  return pid;
}

async function finish(t: ExecutionContext, id: string): Promise<void> {
  t.is(await endOf(await proceed(id)), 'ok', id);
  await remove(t, id);
}

/** Checkpoints a container, which goes on, and restores it so many times at once; resolves with the ids. */
async function fork(t: ExecutionContext, id: string, count: number): Promise<string[]> {
  const snapshot = await succeed(t, 'snapshot', id);
  const ids = Array.from({ length: count }, () => containerId(t, 'clone'));
  await Promise.all(ids.map((name) => succeed(t, 'fork', '--name', name, snapshot)));
  await succeed(t, 'rm', snapshot);
  return ids;
}

async function succeed(t: ExecutionContext, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await mvas(daemon(), ...args);
  t.is(code, 0, stderr);
  return stdout.trim();
}
