// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { ShimError } from '../src/common/errors.js';
import type { PrivateContainerd } from '../test/helpers/containerd.js';
import { removeContainer, runContainer } from '../test/helpers/containers.js';
import { clientEnvironment } from '../test/helpers/mvas-command.js';
import { BIN } from '../test/helpers/paths.js';
import { findByArgument } from '../test/helpers/procfs.js';
import { tryRun } from '../test/helpers/run.js';
import { median } from './figures.js';
import { busyMs, ownBytesOf } from './machine.js';
import { fill, verify } from './redis-work.js';

export const IMAGE = 'mvas.test/redis:1';

/** A redis of this size, and so many clones of it. */
export interface ForkWork {
  readonly mib: number;
  readonly count: number;
}

/** What clones of one redis took, and its way back. Milliseconds, bytes. */
export interface Clones {
  /** From the call that captures the source until all clones run. */
  readonly allMs: number;
  /** How long a capture alone takes. */
  readonly captureMs: number;
  /** Of one among the others, from the beginning of its creation until it ran: the median. */
  readonly oneMs: number;
  /** Processor time of the whole machine for each clone, with its part of the capture. */
  readonly cpuMs: number;
  /** Memory of each clone, all in: of its process, and of what serves it. */
  readonly cloneTotalBytes: number;
  /** How long nothing of the source ran when it was put back to the capture. */
  readonly rollbackStandstillMs: number;
  /** From the call that puts it back to its end. */
  readonly rollbackMs: number;
}

interface ForkedClone {
  readonly id: string;
  readonly pid: number;
  readonly ms: number;
}

/** Forks a redis of containerd by `mvas fork`, and puts it back by `mvas rollback`. */
export async function forkByMvas(
  containerd: PrivateContainerd,
  { mib, count }: ForkWork,
): Promise<Clones> {
  const id = containerd.uniqueId('source');
  const pid = await runContainer(containerd, { id, image: IMAGE });
  const { keys } = await fill(pid, mib);
  const [snapshot, captureMs] = await timedMvas(containerd, 'snapshot', id);
  const others = new Set(await findByArgument(containerd.address));
  const busy = await busyMs();
  const [clones, allMs] = await forkInto(containerd, id, count);
  const cpuMs = ((await busyMs()) - busy) / count;
  const found = await findByArgument(containerd.address);
  const daemons = found.filter((daemon) => !others.has(daemon));
  const own = await ownBytesOf([...clones.map((clone) => clone.pid), ...daemons]);
  await assertKeys(clones.at(-1)?.pid ?? 0, keys);
  for (const clone of clones) await removeContainer(containerd, clone.id);
  await fill(pid, mib); // so that the old memory and the snapshot's have nothing in common
  const back = await rollBack(containerd, id, keys);
  await removeContainer(containerd, id);
  await timedMvas(containerd, 'rm', snapshot.trim());
  const oneMs = median(clones.map(({ ms }) => ms));
  return { allMs, captureMs, oneMs, cpuMs, cloneTotalBytes: own / count, ...back };
}

/** `mvas fork` of a container or snapshot; resolves with the clones, and the milliseconds of the call. */
export async function forkInto(
  containerd: PrivateContainerd,
  source: string,
  count: number,
): Promise<readonly [readonly ForkedClone[], number]> {
  const name = `${containerd.uniqueId('clone')}-{n}`;
  const flags = ['--json', '--count', String(count), '--name', name];
  const [printed, ms] = await timedMvas(containerd, 'fork', ...flags, source);
  return [JSON.parse(printed) as ForkedClone[], ms];
}

/** Runs `mvas`, by its standby where there is one; resolves with its output and the milliseconds it took. */
export async function timedMvas(
  containerd: PrivateContainerd,
  ...args: readonly string[]
): Promise<readonly [string, number]> {
  const env = { ...clientEnvironment(containerd), MVAS_STANDBY: '1' };
  const began = performance.now();
  const { code, stdout, stderr } = await tryRun(join(BIN, 'mvas'), args, { env });
  const ms = performance.now() - began;
  if (code !== 0) throw new ShimError('internal', `mvas ${args.join(' ')}: ${stderr}`);
  return [stdout, ms];
}

async function rollBack(
  containerd: PrivateContainerd,
  id: string,
  keys: number,
): Promise<Pick<Clones, 'rollbackStandstillMs' | 'rollbackMs'>> {
  const [printed, rollbackMs] = await timedMvas(containerd, 'rollback', '--json', id);
  const { pid, standstillMs } = JSON.parse(printed) as { pid: number; standstillMs: number };
  await assertKeys(pid, keys);
  return { rollbackStandstillMs: standstillMs, rollbackMs };
}

/** That a redis has all that it had when it was captured. */
export async function assertKeys(pid: number, keys: number): Promise<void> {
  const there = await verify({ id: '', pid, firstReplyMs: 0 }, keys);
  if (there !== keys) throw new ShimError('dataLoss', `${String(keys - there)} keys are lost`);
}
