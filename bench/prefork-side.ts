// SPDX-License-Identifier: Apache-2.0
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { processTree } from '../test/helpers/procfs.js';
import { until } from '../test/helpers/run.js';
import { sizeOf } from './criu-side.js';
import { proportionalBytesOf } from './machine.js';
import { bytesOfVas, checkpointByMvas, removeVas, restoreByMvas } from './mvas-command.js';
import type { RuncContainers } from './runc-containers.js';
import { dump, type Place } from './standstill-side.js';

/** What a server costs whose workers share memory with the process that has forked them. Milliseconds and bytes. */
export interface Prefork {
  /** What its processes use together before: of a page that several map, each has a part. */
  readonly preforkBytes: number;
  /** What the checkpoint takes. */
  readonly preforkStoredBytes: number;
  /** What restored processes use together once the checkpoint is removed. */
  readonly preforkRestoredBytes: number;
  /** Standstill as the engine counts it; null: not told. */
  readonly preforkStandstillMs: number | null;
  readonly preforkCheckpointMs: number;
  readonly preforkRestoreMs: number;
}

/** A checkpoint that has ended its container. */
interface Stored {
  readonly frozenMs: number | null;
  /** Memory that it takes, in bytes. */
  readonly bytes: () => Promise<number>;
  /** Restores it under that id. */
  readonly restore: (id: string) => Promise<void>;
  readonly remove: () => Promise<void>;
}

/** Checkpoints a container, which ends. */
export type PreforkSide = (containers: RuncContainers, place: Place) => Promise<Stored>;

/** This project's engine, by its command. */
export const preforkByMvas: PreforkSide = async (containers, { id, directory }) => {
  const image = join(directory, 'image');
  const { frozenMs, vasId } = await checkpointByMvas(containers, id, image);
  return {
    frozenMs,
    bytes: () => bytesOfVas(vasId),
    restore: (clone) => restoreByMvas(containers, clone, image),
    remove: () => removeVas(vasId),
  };
};

/** runc with CRIU, images in tmpfs. */
export const preforkByCriu: PreforkSide = async (containers, { id, directory }) => {
  const frozenMs = await dump(containers, id, { directory, name: 'image', flags: [] });
  const image = join(directory, 'image');
  return {
    frozenMs,
    bytes: () => sizeOf(image),
    restore: async (clone) => {
      const work = join(directory, 'restore-work');
      await mkdir(work);
      const paths = ['--image-path', image, '--work-path', work, '--detach'];
      await containers.runc(['restore', ...paths, ...containers.bundleFlags(clone), clone]);
    },
    remove: () => rm(image, { recursive: true }),
  };
};

/** Starts a server with `mib` MiB, checkpoints it, restores it, and removes every trace. */
export async function measurePrefork(
  containers: RuncContainers,
  side: PreforkSide,
  mib: number,
): Promise<Prefork> {
  const id = await containers.bundle('prefork', ['/many', 'prefork', String(mib)]);
  const clone = await containers.bundle('clone');
  const directory = join(containers.directory, `${id}-checkpoint`);
  const ready = join(containers.directory, 'rootfs/ready');
  await mkdir(directory);
  try {
    const pid = await containers.start(id);
    await until('server', () => readFile(ready));
    const preforkBytes = await proportionalBytesOf(await processTree(pid));
    const [stored, preforkCheckpointMs] = await timed(() => side(containers, { id, directory }));
    await containers.remove(id);
    const preforkStoredBytes = await stored.bytes();
    const [, preforkRestoreMs] = await timed(() => stored.restore(clone));
    await stored.remove();
    const restored = await processTree(await containers.pid(clone));
    const preforkRestoredBytes = await proportionalBytesOf(restored);
    await containers.remove(clone);
    return {
      ...{ preforkBytes, preforkStoredBytes, preforkRestoredBytes },
      ...{ preforkStandstillMs: stored.frozenMs, preforkCheckpointMs, preforkRestoreMs },
    };
  } finally {
    for (const one of [id, clone]) await containers.remove(one);
    for (const path of [ready, directory]) await rm(path, { recursive: true, force: true });
  }
}

async function timed<T>(work: () => Promise<T>): Promise<readonly [T, number]> {
  const began = performance.now();
  const result = await work();
  return [result, performance.now() - began];
}
