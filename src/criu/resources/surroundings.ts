// SPDX-License-Identifier: Apache-2.0
import type { HostPid } from '../../common/ids.js';
import type { HostNames } from '../../common/host-names.js';
import type { MountPlaces } from '../../common/mount-places.js';
import type { MountInfo } from '../../common/procfs/mountinfo.js';
import { readMountinfo } from '../procfs/reader.js';
import { hasEnded } from '../tracee/life-watch.js';
import type { TracedProcess } from '../tracee/tracee.js';
import { checkCgroups, warnOfCgroups } from './cgroups.js';
import { checkFuseServers } from './fuse-servers.js';
import { warnOfHostNames } from './host-names.js';
import { checkMounts } from './mounts.js';

/** What the spec of a container says about its surroundings. */
export interface ExpectedSurroundings {
  /** Where its spec makes mounts; others are refused. */
  readonly mountPlaces: MountPlaces;
  /** Names by its spec; undefined if it shares those of others. */
  readonly hostNames: HostNames | undefined;
}

/**
 * Checks that nothing around the processes of a stopped container would be lost: a restored container has the
 * mounts, cgroups and names that a runtime makes from its spec.
 *
 * @returns the mounts of the container
 * @throws ShimError `failedPrecondition` naming what would be lost
 */
export function checkSurroundings(
  initPid: HostPid,
  processes: readonly TracedProcess[],
  expected: ExpectedSurroundings,
): readonly MountInfo[] {
  const mounts = readMountinfo(initPid);
  checkFuseServers(mounts, processes);
  checkMounts(initPid, mounts, expected.mountPlaces);
  checkCgroups(initPid, processes);
  return mounts;
}

/** Logs what of the surroundings of a container is lost. It may run, and may have ended. */
export function warnOfSurroundings(initPid: HostPid, expected: ExpectedSurroundings): void {
  try {
    warnOfCgroups(initPid);
    warnOfHostNames(initPid, expected.hostNames);
  } catch (error) {
    if (!hasEnded(initPid)) throw error;
  }
}
