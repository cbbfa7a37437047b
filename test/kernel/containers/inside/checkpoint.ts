// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { release } from 'node:os';
import { join } from 'node:path';
import { PrivateContainerd } from '../../../helpers/containerd.js';
import { vasesOf, vasRoot } from '../../../helpers/containerd-cleanup.js';
import { createContainer, removeContainer, runContainer } from '../../../helpers/containers.js';
import { quiet } from '../../../helpers/netns-connection.js';
import { TasksClient } from '../../../helpers/tasks-client.js';
import { redisWorkload } from '../../../helpers/workloads/redis.js';
import { readRecord } from '../../../../src/criu/vas/store.js';
import type { Backend } from '../../../../src/criu/vas/backend.js';
import { failAfterEachStage, keptByKernel, killWhileHeld, refuseByLimit } from './faults.js';
import { tryCommands } from './commands.js';
import { compareBackends } from './compare.js';
import { GUEST_IMAGE } from './places.js';
import { Tap } from './tap.js';

const MIB = 8;

/** Checkpoint with exit, and two restores side by side: in the same container, and in a new one. */
async function scenario(tap: Tap, containerd: PrivateContainerd, backend: Backend): Promise<void> {
  const workload = redisWorkload(MIB);
  const { image } = workload;
  const id = containerd.uniqueId('redis');
  const pid = await runContainer(containerd, { id, image });
  await workload.observe(pid);
  await workload.prepare?.(pid);
  const seen = await workload.observe(pid);
  await quiet(pid);
  tap.note(`redis runs with ${String(seen.fixed?.['keys'])} keys`);
  if (backend === 'kernel') {
    const victim = { initPid: pid, bundle: bundleOf(containerd, id) };
    await failAfterEachStage(tap, containerd, victim);
    await killWhileHeld(tap, containerd, victim);
    await refuseByLimit(tap, containerd, victim);
    await compareBackends(tap, containerd, victim);
  }
  tap.same('redis is unharmed', (await workload.observe(pid)).fixed, seen.fixed);
  await quiet(pid);

  const tasks = await TasksClient.open(containerd);
  const ended = tasks.wait(id);
  const checkpoint = await tasks.checkpoint(id, { exit: true });
  tap.same('the checkpoint ends the container', await ended, 137);
  const [vas = ''] = await vasesOf(containerd);
  const record = readRecord(vas);
  tap.same('the VAS says how it was taken', record.backend, backend);
  tap.same('the kernel keeps nothing of it', keptByKernel(), []);
  await tasks.delete(id);

  const other = containerd.uniqueId('other');
  await createContainer(containerd, { id: other, image });
  for (const name of [id, other]) {
    const restored = await tasks.restore(name, checkpoint);
    const now = await workload.observe(restored);
    tap.same(`${name}: the same redis goes on`, now.birth, seen.birth);
    tap.same(`${name}: with all its keys`, now.fixed, seen.fixed);
  }
  tasks.close();
  for (const name of [id, other]) await removeContainer(containerd, name);
}

function bundleOf({ directory, namespace }: PrivateContainerd, id: string): string {
  return join(directory, 'state/io.containerd.runtime.v2.task', namespace, id);
}

async function withBackend(tap: Tap, backend: Backend): Promise<void> {
  const containerd = await PrivateContainerd.start({ env: { MVAS_BACKEND: backend } });
  tap.note(`backend ${backend}: containerd answers, snapshotter ${containerd.snapshotter}`);
  Object.assign(process.env, { MVAS_ROOT: vasRoot(containerd), MVAS_BACKEND: backend });
  try {
    await containerd.importImages(GUEST_IMAGE);
    await scenario(tap, containerd, backend);
  } catch (error) {
    tap.failed(error);
    tap.note((await readFile(containerd.logFile, 'utf8')).trimEnd());
  } finally {
    await containerd.stop();
  }
}

/** Arguments: the backends to try, by default both. */
async function main(): Promise<void> {
  const tap = new Tap();
  tap.note(`Linux ${release()}`);
  await tryCommands(tap).catch((error: unknown) => {
    tap.failed(error);
  });
  const wanted = process.argv.slice(2);
  for (const backend of ['holder', 'kernel'] as const) {
    if (wanted.length > 0 && !wanted.includes(backend)) continue;
    await withBackend(tap, backend);
  }
  process.exitCode = tap.finish();
}

await main();
