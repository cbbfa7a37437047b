// SPDX-License-Identifier: Apache-2.0
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupDirectories, placesIn } from '../../common/cgroup-places.js';
import { type HostPid, ownPid } from '../../common/ids.js';
import { logger } from '../../common/log.js';
import type { CgroupMembership } from '../../common/procfs/cgroup.js';
import { readCgroup, readMountinfo, readNamespace } from '../procfs/reader.js';
import { labelOf } from '../tracee/label.js';
import type { TracedProcess } from '../tracee/tracee.js';
import { Refusals } from './files/refusals.js';
import { inNamespaceOf } from './in-namespace.js';

const log = logger('cgroups');

/**
 * Checks that all threads of a stopped container are in the cgroups that its runtime made for it, since a restored
 * container has no others.
 *
 * @param initPid PID 1, which is one of the processes
 * @throws ShimError `failedPrecondition` naming the process that is elsewhere, and where it is
 */
export function checkCgroups(initPid: HostPid, processes: readonly TracedProcess[]): void {
  const refusals = new Refusals();
  const refuse = (who: string, where: string): void => {
    const what = `is in cgroup ${where}, not in its container's, which is not supported`;
    refusals.add(who, `${what}; remedy: move it back`);
  };
  const own = readCgroup(initPid);
  const moved = movedInit(initPid);
  if (moved !== undefined) refuse(labelOf(initPid), moved);
  for (const { threads, proc } of processes) {
    for (const { tid, label } of threads) {
      const elsewhere = firstDifference(own, proc.cgroup(tid));
      if (elsewhere !== undefined) refuse(label, elsewhere);
    }
  }
  refusals.throwIfAny();
}

/** Logs which other cgroups a container has made. A restored one does not have them. */
export function warnOfCgroups(initPid: HostPid): void {
  const own = readCgroup(initPid).filter(({ path }) => path !== '/'); // Where it is once it has been killed.
  for (const directory of cgroupDirectories(placesIn(own, readMountinfo(ownPid())))) {
    for (const below of namesBelow(directory)) {
      log.warn('an empty cgroup of the container is not kept', { cgroup: join(directory, below) });
    }
  }
}

/** Path of the first hierarchy in which a task is elsewhere. Pure. */
export function firstDifference(
  expected: readonly CgroupMembership[],
  found: readonly CgroupMembership[],
): string | undefined {
  return found.find(({ path }, index) => path !== expected[index]?.path)?.path;
}

/** A cgroup namespace begins where its first process was: a process there sees `/`. */
function movedInit(initPid: HostPid): string | undefined {
  if (readNamespace(initPid, 'cgroup') === readNamespace(ownPid(), 'cgroup')) return undefined;
  const seen = inNamespaceOf(initPid, 'cgroup', () => readCgroup(initPid));
  return seen.find(({ path }) => path !== '/')?.path;
}

function namesBelow(directory: string): string[] {
  try {
    const entries = readdirSync(directory, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch {
    return []; // The runtime has made no cgroup for this controller.
  }
}
