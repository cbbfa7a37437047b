// SPDX-License-Identifier: Apache-2.0
import type { MountPlaces } from '../../common/mount-places.js';
import { ShimError } from '../../common/errors.js';
import { closeFd } from '../../native/sys.js';
import type { MountInfo } from '../procfs/mountinfo.js';
import { readMountinfo } from '../procfs/reader.js';
import { O, RESOLVE } from './files/abi.js';
import { openAt2, openOwn, ownLink } from './files/system.js';

const MOST_SHOWN = 10;

/**
 * Checks that a stopped container has only the mounts that its spec makes, since a restored one has
 * those and no others.
 *
 * @throws ShimError `failedPrecondition` naming mounts that were made later
 */
export function checkMounts(rootPid: number, places: MountPlaces): void {
  const mounts = readMountinfo(rootPid);
  const paths = resolvePaths(rootPid, places.paths);
  const trees = resolvePaths(rootPid, places.trees);
  const host = new Set(readMountinfo(process.pid).map(deviceOf));
  const later = mounts.filter((mount, index) => {
    const { mountPoint } = mount;
    // Mounts at one place, one over the other, come in the order they were made in.
    const earlier = mounts.slice(0, index).filter((other) => other.mountPoint === mountPoint);
    if (earlier.length < paths.filter((path) => path === mountPoint).length) return false;
    if (mountPoint === '/dev/console') return false;
    if (mount.fsType.startsWith('cgroup') || host.has(deviceOf(mount))) {
      const isInside = trees.some((tree) => mountPoint.startsWith(`${tree}/`));
      const isDevice = mount.fsType === 'devtmpfs' && mountPoint.startsWith('/dev/');
      return !isInside && !isDevice && !places.hasHooks;
    }
    return true;
  });
  if (later.length === 0) return;
  const lines = later.slice(0, MOST_SHOWN).map(({ mountPoint, fsType }) => {
    return `mount ${mountPoint} (${fsType}): made by the container, which is not supported; remedy: unmount it`;
  });
  throw new ShimError('failedPrecondition', lines.join('\n'));
}

function deviceOf({ dev }: MountInfo): string {
  return `${String(dev.major)}:${String(dev.minor)}`;
}

/** Paths as they are behind all symbolic links, in the container; what leads nowhere is left out. */
function resolvePaths(rootPid: number, paths: readonly string[]): string[] {
  const root = openOwn(`/proc/${String(rootPid)}/root`, O.path | O.directory);
  try {
    return paths.flatMap((path) => {
      const fd = openAt2(root, path, O.path, RESOLVE.inRoot | RESOLVE.noMagicLinks);
      if (fd < 0) return [];
      try {
        return [ownLink(fd)];
      } finally {
        closeFd(fd);
      }
    });
  } finally {
    closeFd(root);
  }
}
