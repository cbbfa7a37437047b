// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hostNamesOf } from '../src/common/host-names.js';
import { asHostPid } from '../src/common/ids.js';
import { mountPlacesOf } from '../src/common/mount-places.js';
import { tmpfsMountsOf } from '../src/common/tmpfs-mounts.js';
import { checkpoint, readSpec, Series as EngineSeries } from '../src/criu/index.js';
import { run } from '../test/helpers/run.js';
import { sizeOf } from './criu-side.js';
import { median } from './figures.js';
import { bytesOfVas, checkpointByMvas, removeVas } from './mvas-command.js';
import type { RuncContainers } from './runc-containers.js';
import {
  dump,
  watched,
  withBusyRedis,
  type Place,
  type StandstillWork,
} from './standstill-side.js';

/** The least time from the beginning of one checkpoint to that of the next: ten a second. */
const PERIOD_MS = 100;
/** All of them are kept, so this many times the memory is needed. */
const COUNT = 5;
/** How long is written without checkpoints, to compare with. */
const ALONE_MS = 1500;

/** What checkpoints of one container cost that follow each other, while it is written to. */
export interface Series {
  /** Checkpoints a second; at most ten. */
  readonly seriesPerSecond: number;
  /** By how much fewer values are written meanwhile. */
  readonly seriesLossPercent: number;
  /** How long the container stands still for each, as the engine counts it: the median; null: not told. */
  readonly seriesStandstillMs: number | null;
  /** Memory that each but the first takes, in bytes, when all are kept. */
  readonly seriesBytesEach: number;
}

/** A checkpoint of a series. */
interface Taken {
  readonly frozenMs: number | null;
  /** Memory that it takes beside the others, in bytes. */
  readonly bytes: () => Promise<number>;
  readonly remove: () => Promise<void>;
}

/** Takes the checkpoint of that number; those before it are still there. */
export type SeriesSide = (
  containers: RuncContainers,
  place: Place,
  index: number,
) => Promise<Taken>;

/** This project's engine, by its command. */
export const seriesByMvas: SeriesSide = async (containers, { id, directory }, index) => {
  const image = join(directory, String(index));
  const { frozenMs, vasId } = await checkpointByMvas(containers, id, image, ['--leave-running']);
  return { frozenMs, bytes: () => bytesOfVas(vasId), remove: () => removeVas(vasId) };
};

/** The engine in this process, as in a shim's daemon: each starts from the one before (`mvas snapshot --series`). */
export function seriesInMvas(): SeriesSide {
  let series: EngineSeries | undefined;
  return async ({ root, directory: bundles }, { id, directory }, index) => {
    if (index === 0) series = new EngineSeries(id);
    const spec = readSpec(join(bundles, id));
    const state = JSON.parse(await run('runc', ['--root', root, 'state', id])) as { pid: number };
    const { vasId, frozenMs } = await checkpoint({
      ...{ containerId: id, spec, imagePath: join(directory, String(index)), runcRoot: root },
      ...{ initPid: asHostPid(state.pid), leaveRunning: true, tmpfsMounts: tmpfsMountsOf(spec) },
      ...{ mountPlaces: mountPlacesOf(spec), hostNames: hostNamesOf(spec) },
      ...(series && { series }),
    });
    return { frozenMs, bytes: () => bytesOfVas(vasId), remove: () => removeVas(vasId) };
  };
}

/** runc with CRIU: each dump is a whole one. */
export const seriesByCriu: SeriesSide = (containers, place, index) =>
  dumped(containers, place, index, []);

/** runc with CRIU: each dump has what was written to since the one before. Needs soft-dirty bits of the kernel. */
export const seriesByCriuOfChanges: SeriesSide = (containers, place, index) =>
  dumped(containers, place, index, index === 0 ? [] : ['--parent-path', `../${String(index - 1)}`]);

async function dumped(
  containers: RuncContainers,
  { id, directory }: Place,
  index: number,
  more: readonly string[],
): Promise<Taken> {
  const [name, flags] = [String(index), ['--leave-running', ...more]];
  const frozenMs = await dump(containers, id, { directory, name, flags });
  // The images go with the directory, once all have been taken.
  return { frozenMs, bytes: () => sizeOf(join(directory, name)), remove: () => Promise.resolve() };
}

/** Takes a series of a redis that is written to. */
export async function measureSeries(
  containers: RuncContainers,
  pings: string,
  side: SeriesSide,
  work: StandstillWork,
): Promise<Series> {
  return await withBusyRedis(containers, pings, work, async ({ pid, ...place }) => {
    const alone = await watched(pings, pid, () => sleep(ALONE_MS));
    const taken: Taken[] = [];
    try {
      const meanwhile = await watched(pings, pid, () => takeAll(containers, place, side, taken));
      const [before, after] = [alone, meanwhile].map(({ seen, ms }) => seen.written / ms) as [
        number,
        number,
      ];
      const stops = taken.flatMap(({ frozenMs }) => frozenMs ?? []);
      return {
        seriesPerSecond: (COUNT * 1000) / meanwhile.ms,
        seriesLossPercent: lossPercent(before, after),
        seriesStandstillMs: stops.length < COUNT ? null : median(stops),
        seriesBytesEach: await bytesEach(taken),
      };
    } finally {
      for (const { remove } of taken) await remove();
    }
  });
}

/** By how much one rate is below another; none if it is above. */
export function lossPercent(before: number, after: number): number {
  return Math.max(0, (1 - after / before) * 100);
}

async function takeAll(
  containers: RuncContainers,
  place: Place,
  side: SeriesSide,
  taken: Taken[],
): Promise<void> {
  while (taken.length < COUNT) {
    const due = sleep(PERIOD_MS);
    taken.push(await side(containers, place, taken.length));
    await due;
  }
}

async function bytesEach([, ...later]: readonly Taken[]): Promise<number> {
  let sum = 0;
  for (const { bytes } of later) sum += await bytes();
  return sum / later.length;
}
