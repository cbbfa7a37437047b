// SPDX-License-Identifier: Apache-2.0
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ShimError } from '../src/common/errors.js';
import type { PrivateContainerd } from '../test/helpers/containerd.js';
import { removeContainer, runContainer } from '../test/helpers/containers.js';
import { run } from '../test/helpers/run.js';
import { COUNTER } from '../test/helpers/workloads/counter.js';
import { median } from './figures.js';
import { forkInto, timedMvas } from './fork-side.js';

/** What a fork costs where so much was changed in the root filesystem. Milliseconds, bytes. */
export interface Changes {
  readonly mib: number;
  /** A fork of a snapshot, as its caller sees it: the median. */
  readonly forkMs: number;
  /** What it takes of the disk. */
  readonly forkDiskBytes: number;
  /** A snapshot, which takes the changes once. */
  readonly snapshotMs: number;
  /** By hand: `cp -a` of the changes, for each clone. */
  readonly copyMs: number;
}

/** Changes the root filesystem of a container, takes a snapshot, and forks that again and again. */
export async function measureChanges(
  containerd: PrivateContainerd,
  mib: number,
  forks: number,
): Promise<Changes> {
  const id = containerd.uniqueId('changes');
  const pid = await runContainer(containerd, {
    ...{ id, image: COUNTER.image },
    args: ['sleep', '10000'],
  });
  const write = ['dd', 'if=/dev/zero', 'of=/big', 'bs=1M', `count=${String(mib)}`];
  await containerd.ctr(['tasks', 'exec', '--exec-id', 'write', id, ...write]);
  const copyMs = await timedCopy(await upperOf(pid), join(containerd.directory, 'copy'));
  const [snapshot, snapshotMs] = await timedMvas(containerd, 'snapshot', id);
  const before = await diskBytes(containerd);
  const [clones, times] = [[] as string[], [] as number[]];
  for (let n = 0; n < forks; n++) {
    const [[clone], ms] = await forkInto(containerd, snapshot.trim(), 1);
    if (clone) clones.push(clone.id);
    times.push(ms);
  }
  const forkDiskBytes = ((await diskBytes(containerd)) - before) / forks;
  for (const one of [...clones, id]) await removeContainer(containerd, one);
  await timedMvas(containerd, 'rm', snapshot.trim());
  return { mib, forkMs: median(times), forkDiskBytes, snapshotMs, copyMs };
}

/** The folder with what a container has changed in its root filesystem. */
async function upperOf(pid: number): Promise<string> {
  const mounts = await readFile(`/proc/${String(pid)}/mountinfo`, 'utf8');
  const upper = /^\S+ \S+ \S+ \/ \/ .*\bupperdir=([^,]+)/m.exec(mounts)?.[1];
  if (upper === undefined) throw new ShimError('internal', 'the root filesystem is no overlay');
  return upper;
}

async function timedCopy(from: string, to: string): Promise<number> {
  const began = performance.now();
  await run('cp', ['-a', '--reflink=auto', from, to]);
  const ms = performance.now() - began;
  await rm(to, { recursive: true });
  return ms;
}

async function diskBytes({ directory }: PrivateContainerd): Promise<number> {
  return Number.parseInt(await run('du', ['-s', '-B1', join(directory, 'root')]), 10);
}
