// SPDX-License-Identifier: Apache-2.0
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { readCgroupMounts } from '../../../common/cgroup-mounts.js';
import { cgroupDirectories, placesIn } from '../../../common/cgroup-places.js';
import { ShimError } from '../../../common/errors.js';
import type { HostPid } from '../../../common/ids.js';
import { replaceInit, type StdioLinks } from '../../../common/runtime-state.js';
import { writeToEach } from '../../../native/index.js';
import { errnoName } from '../../../native/sys.js';
import { readCgroup, readStat } from '../../procfs/reader.js';
import type { Predecessor } from '../predecessor.js';
import type { Donor } from './donor.js';
import { waitReaped } from './reap.js';

/** Which process takes over from which. */
export interface TakeOver {
  readonly bundle: string;
  /** The runtime's state directory of the container. */
  readonly stateDirectory: string;
  readonly donor: Donor;
  readonly initPid: HostPid;
  /** Where its stdio leads; the donor's led nowhere. */
  readonly stdio: StdioLinks;
}

/**
 * Makes PID 1, which is in the donor's namespaces and cgroups, the container's init: the donor is
 * killed, and the runtime's state names PID 1. From then on, before the first await, the runtime
 * sees an ordinary container. Resolves when the donor's init is gone; its bundle is left.
 */
export async function takeOver(request: TakeOver): Promise<void> {
  const { donor, stateDirectory, initPid, bundle, stdio } = request;
  process.kill(donor.pid, 'SIGKILL'); // First, since its end takes a while.
  const start = String(readStat(initPid).startTime);
  replaceInit(stateDirectory, { before: donor, pid: initPid, start, bundle, stdio });
  rmSync(join(stateDirectory, 'exec.fifo'), { force: true });
  await waitReaped(donor.pid);
}

/**
 * Makes PID 1 the init of a container in place of another init, which ends here together with everything that it has
 * started. Resolves when that has gone; the donor has before, and its container is left.
 */
export async function succeed(request: TakeOver, predecessor: Predecessor): Promise<void> {
  const { stateDirectory, initPid, bundle, stdio } = request;
  await predecessor.end();
  const start = String(readStat(initPid).startTime);
  const before = { pid: predecessor.initPid, bundle };
  replaceInit(stateDirectory, { before, pid: initPid, start, bundle, stdio });
}

/**
 * Moves PID 1, or another process, into the cgroups of a process. In the kernel, the first move in a while waits for an RCU grace
 * period (native/cgroup-moves.ts); all of those that follow take 0.3 ms together.
 */
export async function enterCgroups(memberPid: HostPid, pid: HostPid): Promise<void> {
  const directories = cgroupDirectories(placesIn(readCgroup(memberPid), readCgroupMounts()));
  const files = directories.map((directory) => join(directory, 'cgroup.procs'));
  const [done = 0, error = 0] = await writeToEach(files, String(pid));
  if (error === 0) return;
  const where = files[done] ?? '';
  throw new ShimError('internal', `move the restored init to ${where}: ${errnoName(error)}`);
}
