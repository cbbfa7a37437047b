// SPDX-License-Identifier: Apache-2.0
import { realpathSync } from 'node:fs';
import { type HostPid, ownPid } from '../../common/ids.js';
import type { MountPlaces, MountTree } from '../../common/mount-places.js';
import { ShimError } from '../../common/errors.js';
import { closeFd } from '../../native/sys.js';
import { printable } from '../../common/bytes.js';
import type { MountInfo } from '../../common/procfs/mountinfo.js';
import { readMountinfo } from '../procfs/reader.js';
import { O, RESOLVE } from '../../native/abi/index.js';
import { openAt2, openOwn, ownLink } from './files/system.js';

const MOST_SHOWN = 10;

/** What mounts are compared with. */
export interface ExpectedMounts {
  /** Places, after symbolic links, one for each expected mount. */
  readonly paths: readonly string[];
  /** Below these are the host's mounts below their sources, and cgroups. */
  readonly trees: readonly MountTree[];
  /** The host may have mounted file systems of its own anywhere. */
  readonly hasHooks: boolean;
  /** Mounts of the host. */
  readonly host: readonly MountInfo[];
}

/**
 * Mounts that were as expected, and those of the host at that time. Equal texts are parsed once, so the same
 * lists stand for the same mounts: these need not be judged again.
 */
const judged = new WeakMap<
  MountPlaces,
  Pick<ExpectedMounts, 'host'> & { mounts: readonly MountInfo[] }
>();

/**
 * Checks that a container has the mounts that its spec makes, since a restored one has those and no others.
 *
 * @param mounts those that it has
 * @throws ShimError `failedPrecondition` naming mounts that were made later, or are gone
 */
export function checkMounts(
  rootPid: HostPid,
  mounts: readonly MountInfo[],
  places: MountPlaces,
): void {
  const host = readMountinfo(ownPid());
  const before = judged.get(places);
  if (before?.mounts === mounts && before.host === host) return;
  const later = laterMounts(mounts, {
    paths: resolvePaths(rootPid, places.paths),
    trees: resolveTrees(rootPid, places.trees),
    hasHooks: places.hasHooks,
    host,
  });
  // Programs of the host may have unmounted anything.
  const gone = places.hasHooks ? [] : goneMounts(mounts, resolvePaths(rootPid, places.certain));
  if (later.length + gone.length === 0) {
    judged.set(places, { mounts, host });
    return;
  }
  const made = 'made by the container, which is not supported; remedy: unmount it';
  const ended =
    'unmounted by the container, which is not supported; remedy: start it without this mount';
  const lines = [
    ...later.map(({ mountPoint, fsType }) => `mount ${printable(mountPoint)} (${fsType}): ${made}`),
    ...gone.map((mountPoint) => `mount ${printable(mountPoint)}: ${ended}`),
  ];
  throw new ShimError('failedPrecondition', lines.slice(0, MOST_SHOWN).join('\n'));
}

/** Places with fewer mounts than expected, each once; `paths` has one for each expected mount. Pure. */
export function goneMounts(mounts: readonly MountInfo[], paths: readonly string[]): string[] {
  return [...new Set(paths)].filter((path) => {
    const wanted = paths.filter((other) => other === path).length;
    return mounts.filter(({ mountPoint }) => mountPoint === path).length < wanted;
  });
}

/** Mounts that were not there when the container started. Pure. */
export function laterMounts(
  mounts: readonly MountInfo[],
  expected: ExpectedMounts,
): readonly MountInfo[] {
  return mounts.filter((mount, index) => {
    const { mountPoint } = mount;
    // Mounts at the same place are in the order in which they were made.
    const earlier = mounts.slice(0, index).filter((other) => other.mountPoint === mountPoint);
    const wanted = expected.paths.filter((path) => path === mountPoint);
    return earlier.length >= wanted.length && !isOfHost(mount, earlier, expected);
  });
}

/** Whether a mount comes along with others; `earlier` are those at the same place. */
function isOfHost(
  mount: MountInfo,
  earlier: readonly MountInfo[],
  { trees, hasHooks, host }: ExpectedMounts,
): boolean {
  const { mountPoint, fsType } = mount;
  if (mountPoint === '/dev/console') return true;
  const above = trees.filter(({ path }) => mountPoint.startsWith(`${path}/`));
  const isCgroup = fsType === 'cgroup' || fsType === 'cgroup2';
  if (isCgroup && above.some(({ source }) => source === undefined)) return true;
  const isDevice = fsType === 'devtmpfs' && mountPoint.startsWith('/dev/');
  const isAnywhere = hasHooks || isDevice;
  if (isAnywhere && host.some((other) => deviceOf(other) === deviceOf(mount))) return true;
  const used = earlier.filter((other) => isSame(other, mount)).length;
  return above.some(({ path, source }) => {
    const there = `${source === '/' ? '' : (source ?? '')}${mountPoint.slice(path.length)}`;
    const brought = host.filter((other) => other.mountPoint === there && isSame(other, mount));
    return source !== undefined && brought.length > used;
  });
}

/** Whether two mounts show the same part of the same file system. */
function isSame(one: MountInfo, other: MountInfo): boolean {
  return deviceOf(one) === deviceOf(other) && one.root === other.root;
}

function deviceOf({ dev }: MountInfo): string {
  return `${String(dev.major)}:${String(dev.minor)}`;
}

/** Trees by paths after all symbolic links, in the container and on the host. */
function resolveTrees(rootPid: HostPid, trees: readonly MountTree[]): MountTree[] {
  return trees.flatMap(({ path, source }) => {
    const found = source === undefined ? [undefined] : hostPath(source);
    return found.flatMap((real) =>
      resolvePaths(rootPid, [path]).map((place) => ({ path: place, source: real })),
    );
  });
}

function hostPath(source: string): string[] {
  try {
    return [realpathSync(source)];
  } catch {
    return []; // It is gone, so a new container could not have it.
  }
}

/** Paths after all symbolic links, in the container; dangling ones are left out. */
function resolvePaths(rootPid: HostPid, paths: readonly string[]): string[] {
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
