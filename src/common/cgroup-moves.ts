// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readCgroupMounts } from './cgroup-mounts.js';
import { cgroupDirectories, placesIn } from './cgroup-places.js';
import { parseCgroup } from './procfs/cgroup.js';

/** Less than a grace period, after which the kernel forgets that there was a move. */
const EVERY_MS = 4;
/** Longer work does not need it. */
const MOST_TIMES = 25;

/**
 * Does work in which processes move between cgroups, and makes the kernel prepare for moves from the start.
 *
 * The first move in a while waits for a grace period of RCU (`cgroup_threadgroup_rwsem`), 5 to 20 ms. A move soon
 * after another one does not. So this process moves to the cgroup that it is in, again and again until the work is
 * done. If that fails, the work only takes longer.
 */
export async function expectCgroupMoves<T>(work: () => Promise<T>, move = moveNowhere): Promise<T> {
  let isDone = false;
  void moveUntil(() => isDone, move);
  try {
    return await work();
  } finally {
    isDone = true;
  }
}

async function moveUntil(isDone: () => boolean, move: typeof moveNowhere): Promise<void> {
  try {
    for (let times = 0; times < MOST_TIMES && !isDone(); times += 1) {
      await move();
      await sleep(EVERY_MS, undefined, { ref: false });
    }
  } catch {
    // It is only a hint.
  }
}

/** Moves this process to the cgroup that it is in. */
export async function moveNowhere(): Promise<void> {
  const file = ownProcs();
  if (file !== undefined) await writeFile(file, String(process.pid));
}

/** What was found the last time: /proc/self/cgroup, and the file of one of these cgroups. */
let known: { readonly membership: string; readonly file: string | undefined } | undefined;

/** `cgroup.procs` of a cgroup that this process is in; undefined if none can be found. */
function ownProcs(): string | undefined {
  const membership = readFileSync('/proc/self/cgroup', 'utf8');
  if (known?.membership !== membership) known = { membership, file: findProcs(membership) };
  return known.file;
}

/** Only a hierarchy that is mounted as a whole will do: below another mount the same path is another cgroup. */
function findProcs(membership: string): string | undefined {
  const mounts = readCgroupMounts().filter(({ root }) => root === '/');
  const [directory] = cgroupDirectories(placesIn(parseCgroup(membership), mounts));
  return directory === undefined ? undefined : join(directory, 'cgroup.procs');
}
