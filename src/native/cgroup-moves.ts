// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readCgroupMounts } from '../common/cgroup-mounts.js';
import { cgroupDirectories, placesIn } from '../common/cgroup-places.js';
import { parseCgroup } from '../common/procfs/cgroup.js';
import { keepMoving } from './index.js';

/** Less than a grace period, after which the kernel forgets that there was a move. */
const EVERY_MS = 4;
/** Longer work does not need it. */
const MOST_TIMES = 25;

/**
 * Does work in which processes move between cgroups, and makes the kernel prepare for moves from the start; see
 * {@link beginMoves}. If that fails, the work only takes longer.
 */
export async function expectCgroupMoves<T>(work: () => Promise<T>, begin = beginMoves): Promise<T> {
  const done = work(); // First: a program that it starts here has other things to do before it moves.
  const end = begin();
  try {
    return await done;
  } finally {
    end();
  }
}

/**
 * The first move between cgroups in a while waits for a grace period of RCU (`cgroup_threadgroup_rwsem`), 5 to 20 ms. A move soon
 * after another one does not. So from now on this process moves to the cgroup that it is in, again and again for 100 ms at most,
 * whatever this thread does meanwhile. Returns what ends that. Does nothing where it cannot.
 */
export function beginMoves(): () => void {
  const { membership, file } = ownProcs();
  if (file === undefined) return () => undefined;
  const end = keepMoving(file, membership, EVERY_MS, MOST_TIMES);
  return typeof end === 'function' ? end : () => undefined;
}

/** The text of /proc/self/cgroup, and `cgroup.procs` of a cgroup that this process is in; undefined if none can be found. */
interface OwnProcs {
  readonly membership: string;
  readonly file: string | undefined;
}

/** What was found the last time. */
let known: OwnProcs | undefined;

function ownProcs(): OwnProcs {
  try {
    const membership = readFileSync('/proc/self/cgroup', 'utf8');
    if (known?.membership !== membership) known = { membership, file: findProcs(membership) };
    return known;
  } catch {
    return { membership: '', file: undefined }; // It is only a hint.
  }
}

/** Only a hierarchy that is mounted as a whole will do: below another mount the same path is another cgroup. */
function findProcs(membership: string): string | undefined {
  const mounts = readCgroupMounts().filter(({ root }) => root === '/');
  const [directory] = cgroupDirectories(placesIn(parseCgroup(membership), mounts));
  return directory === undefined ? undefined : join(directory, 'cgroup.procs');
}
