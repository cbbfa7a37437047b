// SPDX-License-Identifier: Apache-2.0
import { mkdir, readFile, rm } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { ShimError } from '../src/common/errors.js';
import { median } from './figures.js';
import { assertKeys, type Clones, type ForkWork } from './fork-side.js';
import { busyMs, ownBytesOf } from './machine.js';
import { fill } from './redis-work.js';
import type { RuncContainers } from './runc-containers.js';

/** A restored container. */
interface Restored {
  readonly id: string;
  readonly pid: number;
  readonly ms: number;
}

/**
 * The same by hand, at its best: `runc checkpoint` once, images in tmpfs, bundles that are there already, and as many
 * `runc restore` at once as there are processors; the way back is `runc kill`, `delete` and `restore`.
 */
export async function forkByCriu(
  containers: RuncContainers,
  { mib, count }: ForkWork,
): Promise<Clones> {
  const id = await containers.bundle('source');
  const pid = await containers.start(id);
  const { keys } = await fill(pid, mib);
  const image = join(containers.directory, `${id}-image`);
  const bundles: string[] = [];
  for (let n = 0; n <= count; n++) bundles.push(await containers.bundle('clone'));
  const [successor = '', ...ids] = bundles;
  const busy = await busyMs();
  const began = performance.now();
  await checkpoint(containers, id, image);
  const captureMs = performance.now() - began;
  const clones = await restoreAll(containers, ids, image);
  const allMs = performance.now() - began;
  const cpuMs = ((await busyMs()) - busy) / count;
  const own = await ownBytesOf(clones.map((clone) => clone.pid));
  await assertKeys(clones.at(-1)?.pid ?? 0, keys);
  for (const clone of clones) await containers.remove(clone.id);
  const left = performance.now();
  await containers.remove(id);
  const back = await restoreOne(containers, successor, image);
  const rollbackMs = performance.now() - left;
  await assertKeys(back.pid, keys);
  await containers.remove(successor);
  await rm(image, { recursive: true });
  const oneMs = median(clones.map(({ ms }) => ms));
  return {
    ...{ allMs, captureMs, oneMs, cpuMs, cloneTotalBytes: own / count },
    ...{ rollbackMs, rollbackStandstillMs: rollbackMs },
  };
}

/** `runc checkpoint`, which leaves the container running. */
export async function checkpoint(
  containers: RuncContainers,
  id: string,
  image: string,
): Promise<void> {
  const work = join(containers.directory, `${id}-work`);
  for (const folder of [image, work]) await mkdir(folder);
  const paths = ['--image-path', image, '--work-path', work];
  await containers.runc(['checkpoint', '--leave-running', ...paths, id]).catch(async () => {
    const log = await readFile(join(work, 'dump.log'), 'utf8');
    const said = log.match(/Error .*/g)?.join('; ') ?? 'it does not say why';
    throw new ShimError('unknown', `checkpoint by CRIU: ${said}`);
  });
}

async function restoreAll(
  containers: RuncContainers,
  ids: readonly string[],
  image: string,
): Promise<Restored[]> {
  const [waiting, restored] = [[...ids], [] as Restored[]];
  const work = async (): Promise<void> => {
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
      restored.push(await restoreOne(containers, id, image));
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return restored;
}

/** `runc restore` into a bundle that is there. */
export async function restoreOne(
  containers: RuncContainers,
  id: string,
  image: string,
): Promise<Restored> {
  const work = join(containers.directory, `${id}-work`);
  await mkdir(work);
  const flags = ['--image-path', image, '--work-path', work, ...containers.bundleFlags(id)];
  const began = performance.now();
  await containers.runc(['restore', '--detach', ...flags, id]);
  const ms = performance.now() - began;
  return { id, pid: await containers.pid(id), ms };
}
