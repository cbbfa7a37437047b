// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { release } from 'node:os';
import { join } from 'node:path';
import { asHostPid, asVasId } from '../../../../src/common/ids.js';
import { PrivateContainerd } from '../../../helpers/containerd.js';
import { vasesOf, vasRoot } from '../../../helpers/containerd-cleanup.js';
import { createContainer, removeContainer, runContainer } from '../../../helpers/containers.js';
import { quiet } from '../../../helpers/netns-connection.js';
import { NO_HEIR } from '../../../helpers/standbys.js';
import { TasksClient } from '../../../helpers/tasks-client.js';
import { redisWorkload } from '../../../helpers/workloads/redis.js';
import type { Observation, Workload } from '../../../helpers/workloads/workload.js';
import { removeVas } from '../../../../src/criu/index.js';
import { readRecord } from '../../../../src/criu/vas/store.js';
import type { Backend } from '../../../../src/criu/vas/backend.js';
import {
  copyWhatGoesOn,
  failAfterEachStage,
  keptByKernel,
  killWhileHeld,
  loseDuplicate,
  refuseByLimit,
  refuseLimited,
} from './faults.js';
import { tryCommands } from './commands.js';
import { compareBackends, tellRatios } from './compare.js';
import { GUEST_IMAGE } from './places.js';
import { Tap } from './tap.js';

const MIB = 8;

/** Milliseconds. */
interface Times {
  readonly checkpoint: number;
  readonly restore: number;
}

/** What is done with a backend. */
interface Scenario {
  readonly containerd: PrivateContainerd;
  readonly backend: Backend;
  readonly workload: Workload;
}

/** Faults, then a checkpoint with exit, and two restores side by side. */
async function play(tap: Tap, scenario: Scenario): Promise<Times> {
  const { containerd, backend, workload } = scenario;
  const id = containerd.uniqueId('redis');
  const pid = await runContainer(containerd, { id, image: workload.image });
  await workload.observe(pid);
  await workload.prepare?.(pid);
  const seen = await workload.observe(pid);
  await quiet(pid);
  tap.note(`redis runs with ${String(seen.fixed?.['keys'])} keys`);
  const victim = { initPid: asHostPid(pid), bundle: bundleOf(containerd, id) };
  if (backend !== 'holder') {
    await failAfterEachStage(tap, containerd, victim);
    await killWhileHeld(tap, containerd, victim);
    await refuseByLimit(tap, containerd, victim);
  }
  if (backend === 'kernel-exec') {
    if (existsSync('/sys/fs/cgroup/memory')) await refuseLimited(tap, containerd, victim);
    await copyWhatGoesOn(tap, containerd, victim);
    await loseDuplicate(tap, containerd, victim);
    await compareBackends(tap, containerd, victim);
  }
  tap.same('redis is unharmed', (await workload.observe(pid)).fixed, seen.fixed);
  await quiet(pid);
  return await takeAndRestore(tap, scenario, { id, seen });
}

async function takeAndRestore(
  tap: Tap,
  { containerd, backend, workload }: Scenario,
  { id, seen }: { readonly id: string; readonly seen: Observation },
): Promise<Times> {
  const tasks = await TasksClient.open(containerd);
  const ended = tasks.wait(id);
  const begun = performance.now();
  const checkpoint = await tasks.checkpoint(id, { exit: true });
  const took = performance.now() - begun;
  tap.same('the checkpoint ends the container', await ended, 137);
  const [vas = asVasId('')] = await vasesOf(containerd);
  tap.same('the VAS says how it was taken', readRecord(vas).backend, backend);
  const kept = backend === 'kernel-exec' ? [`${vas}.1`] : [];
  tap.same('the kernel keeps what it is to keep of it', keptByKernel(), kept);
  await tasks.delete(id);

  // In the same container, and in a new one.
  const other = containerd.uniqueId('other');
  await createContainer(containerd, { id: other, image: workload.image });
  const restored = new Map<number, number>();
  for (const name of [id, other]) {
    const before = performance.now();
    const pid = await tasks.restore(name, checkpoint);
    restored.set(pid, performance.now() - before);
    const now = await workload.observe(pid);
    tap.same(`${name}: the same redis goes on`, now.birth, seen.birth);
    tap.same(`${name}: with all its keys`, now.fixed, seen.fixed);
  }
  tasks.close();
  await removeVas(vas);
  tap.same('the VAS goes, and what the kernel kept', keptByKernel(), []);
  for (const pid of restored.keys()) {
    tap.same('who was restored runs on', (await workload.observe(pid)).fixed, seen.fixed);
  }
  for (const name of [id, other]) await removeContainer(containerd, name);
  return { checkpoint: took, restore: Math.min(...restored.values()) };
}

function bundleOf({ directory, namespace }: PrivateContainerd, id: string): string {
  return join(directory, 'state/io.containerd.runtime.v2.task', namespace, id);
}

/** undefined if something failed. */
async function withBackend(tap: Tap, backend: Backend, mib: number): Promise<Times | undefined> {
  const containerd = await PrivateContainerd.start({
    env: { MVAS_BACKEND: backend, ...NO_HEIR },
  });
  tap.note(`backend ${backend}: containerd answers, snapshotter ${containerd.snapshotter}`);
  Object.assign(process.env, { MVAS_ROOT: vasRoot(containerd), MVAS_BACKEND: backend });
  try {
    await containerd.importImages(GUEST_IMAGE);
    return await play(tap, { containerd, backend, workload: redisWorkload(mib) });
  } catch (error) {
    tap.failed(error);
    tap.note((await readFile(containerd.logFile, 'utf8')).trimEnd());
    return undefined;
  } finally {
    await containerd.stop();
  }
}

/** Arguments: the backends to try, by default all; a number: MiB of values in redis. */
async function main(): Promise<void> {
  const tap = new Tap();
  tap.note(`Linux ${release()}`);
  await tryCommands(tap).catch((error: unknown) => {
    tap.failed(error);
  });
  const words = process.argv.slice(2);
  const mib = Number(words.find((word) => /^\d+$/.test(word)) ?? MIB);
  const wanted = words.filter((word) => !/^\d+$/.test(word));
  const times = new Map<Backend, Times>();
  for (const backend of ['holder', 'kernel', 'kernel-exec'] as const) {
    if (wanted.length > 0 && !wanted.includes(backend)) continue;
    const time = await withBackend(tap, backend, mib);
    if (time) times.set(backend, time);
  }
  for (const what of ['checkpoint', 'restore'] as const) {
    const all = [...times].map(([backend, time]) => [backend, time[what]] as const);
    tellRatios(tap, `a ${what} as containerd sees it`, new Map(all));
  }
  process.exitCode = tap.finish();
}

await main();
