// SPDX-License-Identifier: Apache-2.0
import type { MountPlaces } from '../../common/mount-places.js';
import { ShimError } from '../../common/errors.js';
import { closeFd } from '../../native/sys.js';
import { printable } from '../procfs/bytes.js';
import type { MountInfo } from '../procfs/mountinfo.js';
import { readMountinfo } from '../procfs/reader.js';
import { O, RESOLVE } from './files/abi.js';
import { openAt2, openOwn, ownLink } from './files/system.js';

const MOST_SHOWN = 10;

/** What mounts are held against. */
export interface ExpectedMounts {
  /** Places, behind all links, once for each mount that is to be there. */
  readonly paths: readonly string[];
  /** Below these there may be mounts of the host and of cgroups. */
  readonly trees: readonly string[];
  /** The host may have mounted its own file systems anywhere. */
  readonly hasHooks: boolean;
  /** Device numbers of the file systems that the host sees: `0:25`. */
  readonly hostDevices: ReadonlySet<string>;
}

/**
 * Checks that a stopped container has only the mounts that its spec makes, since a restored one has
 * those and no others.
 *
 * @throws ShimError `failedPrecondition` naming mounts that were made later
 */
export function checkMounts(rootPid: number, places: MountPlaces): void {
  const later = laterMounts(readMountinfo(rootPid), {
    paths: resolvePaths(rootPid, places.paths),
    trees: resolvePaths(rootPid, places.trees),
    hasHooks: places.hasHooks,
    hostDevices: new Set(readMountinfo(process.pid).map(deviceOf)),
  });
  if (later.length === 0) return;
  const remedy = 'made by the container, which is not supported; remedy: unmount it';
  const lines = later
    .slice(0, MOST_SHOWN)
    .map(({ mountPoint, fsType }) => `mount ${printable(mountPoint)} (${fsType}): ${remedy}`);
  throw new ShimError('failedPrecondition', lines.join('\n'));
}

/** Mounts that were not there when the container began. Pure. */
export function laterMounts(
  mounts: readonly MountInfo[],
  expected: ExpectedMounts,
): readonly MountInfo[] {
  return mounts.filter((mount, index) => {
    const { mountPoint } = mount;
    // Mounts at one place, one over the other, come in the order they were made in.
    const earlier = mounts.slice(0, index).filter((other) => other.mountPoint === mountPoint);
    const wanted = expected.paths.filter((path) => path === mountPoint);
    return earlier.length >= wanted.length && !isOfHost(mount, expected);
  });
}

function isOfHost(mount: MountInfo, { trees, hasHooks, hostDevices }: ExpectedMounts): boolean {
  const { mountPoint, fsType } = mount;
  if (mountPoint === '/dev/console') return true;
  const isCgroup = fsType === 'cgroup' || fsType === 'cgroup2';
  if (!isCgroup && !hostDevices.has(deviceOf(mount))) return false;
  const isDevice = fsType === 'devtmpfs' && mountPoint.startsWith('/dev/');
  return hasHooks || isDevice || trees.some((tree) => mountPoint.startsWith(`${tree}/`));
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
