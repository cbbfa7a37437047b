// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { release } from 'node:os';
import { join } from 'node:path';
import { PrivateContainerd } from '../../../helpers/containerd.js';
import { vasesOf, vasRoot } from '../../../helpers/containerd-cleanup.js';
import { createContainer, removeContainer, runContainer } from '../../../helpers/containers.js';
import { quiet } from '../../../helpers/netns-connection.js';
import { TasksClient } from '../../../helpers/tasks-client.js';
import { redisWorkload } from '../../../helpers/workloads/redis.js';
import { removeVas } from '../../../../src/criu/index.js';
import { readRecord } from '../../../../src/criu/vas/store.js';
import type { Backend } from '../../../../src/criu/vas/backend.js';
import {
  copyWhatGoesOn,
  failAfterEachStage,
  keptByKernel,
  killWhileHeld,
  refuseByLimit,
  refuseLimited,
} from './faults.js';
import { tryCommands } from './commands.js';
import { compareBackends, tellRatios } from './compare.js';
import { GUEST_IMAGE } from './places.js';
import { Tap } from './tap.js';

const MIB = 8;

/** Checkpoint with exit, and two restores side by side: in the same container, and in a new one. */
async function scenario(
  tap: Tap,
  containerd: PrivateContainerd,
  backend: Backend,
): Promise<number> {
  const workload = redisWorkload(MIB);
  const { image } = workload;
  const id = containerd.uniqueId('redis');
  const pid = await runContainer(containerd, { id, image });
  await workload.observe(pid);
  await workload.prepare?.(pid);
  const seen = await workload.observe(pid);
  await quiet(pid);
  tap.note(`redis runs with ${String(seen.fixed?.['keys'])} keys`);
  if (backend !== 'holder') {
    const victim = { initPid: pid, bundle: bundleOf(containerd, id) };
    await failAfterEachStage(tap, containerd, victim);
    await killWhileHeld(tap, containerd, victim);
    await refuseByLimit(tap, containerd, victim);
  }
  if (backend === 'kernel-exec') {
    const victim = { initPid: pid, bundle: bundleOf(containerd, id) };
    if (existsSync('/sys/fs/cgroup/memory')) await refuseLimited(tap, containerd, victim);
    await copyWhatGoesOn(tap, containerd, victim);
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
  const kept = backend === 'kernel-exec' ? [`${vas}.1`] : [];
  tap.same('the kernel keeps what it is to keep of it', keptByKernel(), kept);
  await tasks.delete(id);

  const other = containerd.uniqueId('other');
  await createContainer(containerd, { id: other, image });
  const times: number[] = [];
  const pids: number[] = [];
  for (const name of [id, other]) {
    const begun = performance.now();
    const restored = await tasks.restore(name, checkpoint);
    times.push(performance.now() - begun);
    pids.push(restored);
    const now = await workload.observe(restored);
    tap.same(`${name}: the same redis goes on`, now.birth, seen.birth);
    tap.same(`${name}: with all its keys`, now.fixed, seen.fixed);
  }
  tasks.close();
  await removeVas(vas);
  tap.same('the VAS goes, and what the kernel kept', keptByKernel(), []);
  for (const restored of pids) {
    tap.same('who was restored runs on', (await workload.observe(restored)).fixed, seen.fixed);
  }
  for (const name of [id, other]) await removeContainer(containerd, name);
  return Math.min(...times);
}

function bundleOf({ directory, namespace }: PrivateContainerd, id: string): string {
  return join(directory, 'state/io.containerd.runtime.v2.task', namespace, id);
}

/** Milliseconds of a restore; undefined where something failed. */
async function withBackend(tap: Tap, backend: Backend): Promise<number | undefined> {
  const containerd = await PrivateContainerd.start({ env: { MVAS_BACKEND: backend } });
  tap.note(`backend ${backend}: containerd answers, snapshotter ${containerd.snapshotter}`);
  Object.assign(process.env, { MVAS_ROOT: vasRoot(containerd), MVAS_BACKEND: backend });
  try {
    await containerd.importImages(GUEST_IMAGE);
    return await scenario(tap, containerd, backend);
  } catch (error) {
    tap.failed(error);
    tap.note((await readFile(containerd.logFile, 'utf8')).trimEnd());
    return undefined;
  } finally {
    await containerd.stop();
  }
}

/** Arguments: the backends to try, by default all. */
async function main(): Promise<void> {
  const tap = new Tap();
  tap.note(`Linux ${release()}`);
  await tryCommands(tap).catch((error: unknown) => {
    tap.failed(error);
  });
  const wanted = process.argv.slice(2);
  const restores = new Map<Backend, number>();
  for (const backend of ['holder', 'kernel', 'kernel-exec'] as const) {
    if (wanted.length > 0 && !wanted.includes(backend)) continue;
    const time = await withBackend(tap, backend);
    if (time !== undefined) restores.set(backend, time);
  }
  tellRatios(tap, 'a restore', restores);
  process.exitCode = tap.finish();
}

await main();
