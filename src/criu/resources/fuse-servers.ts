// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readlinkSync, statSync } from 'node:fs';
import type { HostPid } from '../../common/ids.js';
import { ShimError } from '../../common/errors.js';
import { printable } from '../../common/bytes.js';
import type { MountInfo } from '../../common/procfs/mountinfo.js';
import { readFdinfo } from '../procfs/reader.js';
import type { TracedProcess } from '../tracee/tracee.js';

/** Device number of /dev/fuse as stat(2) reports it: 10, 229. */
const FUSE_DEVICE = (10 << 8) | 229;

/**
 * Checks that no process of a stopped container serves a FUSE file system, if there are such mounts: anything that
 * looked at one of its files would wait for that process. Touches none of them.
 *
 * @param mounts those that the container sees
 * @throws ShimError `failedPrecondition` naming the process and the mounts
 */
export function checkFuseServers(
  mounts: readonly MountInfo[],
  processes: readonly TracedProcess[],
): void {
  const served = mounts.filter(isFuse);
  if (served.length === 0) return;
  const ids = new Set(served.map(({ id }) => id));
  for (const { pid, label } of processes) {
    const fd = findDevice(pid, ids);
    if (fd === undefined) continue;
    const which = served.map(({ mountPoint, fsType }) => `mount ${mountPoint} (${fsType})`);
    const what = `serves a FUSE file system, which cannot be restored, of ${which.join(', ')}`;
    const remedy = 'remedy: unmount it, or serve it from outside of the container';
    const message = printable(`${label} fd ${fd}: ${what}; ${remedy}`);
    throw new ShimError('failedPrecondition', message);
  }
}

function isFuse({ fsType }: MountInfo): boolean {
  return fsType.startsWith('fuse');
}

/** A descriptor of the device. None is copied: closing a copy of a file on FUSE sends a request to its server. */
function findDevice(pid: HostPid, fuse: ReadonlySet<number>): string | undefined {
  const folder = `/proc/${String(pid)}/fd`;
  return readdirSync(folder).find((fd) => {
    const path = `${folder}/${fd}`;
    if (!readlinkSync(path).endsWith('/fuse')) return false; // Its name is not that of the device.
    const isOnFuse = fuse.has(readFdinfo(pid, Number(fd)).mountId);
    return !isOnFuse && statSync(path).rdev === FUSE_DEVICE;
  });
}
