// SPDX-License-Identifier: Apache-2.0
import { fstatSync, type BigIntStats } from 'node:fs';
import type { HostPid } from '../../../../common/ids.js';
import { closeFd } from '../../../../native/sys.js';
import type { MountInfo } from '../../../../common/procfs/mountinfo.js';
import { O, RESOLVE } from '../../../../native/abi/index.js';
import { inodeKey } from '../open-file.js';
import { openAt2, openOwn, ownLink } from '../system.js';

const DELETED = ' (deleted)';

/** A link of /proc without the ` (deleted)` that the kernel puts behind the name of an unlinked file. */
export function withoutDeleted(link: string): string {
  return link.endsWith(DELETED) ? link.slice(0, -DELETED.length) : link;
}

/**
 * Whether a path, looked up as a process sees its files, leads to exactly this inode.
 */
export function leadsTo(
  rootPid: HostPid,
  path: string,
  stat: { readonly dev: bigint; readonly ino: bigint },
): boolean {
  const found = lookUp(rootPid, path, O.nofollow);
  return found !== undefined && inodeKey(found) === inodeKey(stat);
}

/** Whether there is a directory at a path, looked up as a process sees its files. */
export function isDirectory(rootPid: HostPid, path: string): boolean {
  return lookUp(rootPid, path, O.nofollow | O.directory) !== undefined;
}

/** Where a path to a directory leads, symbolic links followed; undefined when there is none. */
export function folderAt(rootPid: HostPid, path: string): string | undefined {
  return withOpen(rootPid, path, O.directory, ownLink);
}

function lookUp(rootPid: HostPid, path: string, flags: number): BigIntStats | undefined {
  return withOpen(rootPid, path, flags, (found) => fstatSync(found, { bigint: true }));
}

function withOpen<T>(
  rootPid: HostPid,
  path: string,
  flags: number,
  work: (found: number) => T,
): T | undefined {
  if (!path.startsWith('/')) return undefined;
  const root = openOwn(`/proc/${String(rootPid)}/root`, O.path | O.directory);
  try {
    const resolve = RESOLVE.inRoot | RESOLVE.noMagicLinks;
    const found = openAt2(root, path, O.path | flags, resolve);
    if (found < 0) return undefined;
    try {
      return work(found);
    } finally {
      closeFd(found);
    }
  } finally {
    closeFd(root);
  }
}

/** File systems whose files keep the credentials of whoever opens them and act by them. */
const PRIVILEGED_TYPES: ReadonlySet<string> = new Set([
  'proc',
  'sysfs',
  'cgroup',
  'cgroup2',
  'debugfs',
  'tracefs',
  'securityfs',
  'bpf',
  'configfs',
  'pstore',
  'efivarfs',
  'binfmt_misc',
  'fusectl',
  'mqueue',
  'nsfs',
]);

/** Whether files of this mount are opened only once the privileges of the restore are gone. */
export function opensLate(mount: Pick<MountInfo, 'fsType'>): boolean {
  return PRIVILEGED_TYPES.has(mount.fsType.split('.')[0] ?? '');
}

/**
 * Finds the mount that a path without symbolic links lies in: the last of the longest mount points, since
 * later mounts cover earlier ones. Undefined when none matches.
 */
export function mountFinder(mounts: Iterable<MountInfo>): (path: string) => MountInfo | undefined {
  const byPoint = new Map<string, MountInfo>();
  for (const mount of mounts) byPoint.set(mount.mountPoint, mount);
  return (path) => {
    for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) {
      const mount = byPoint.get(path.slice(0, end));
      if (mount) return mount;
    }
    return path.startsWith('/') ? byPoint.get('/') : undefined;
  };
}

/** The mount that one path lies in: see {@link mountFinder}. */
export function mountOf(mounts: Iterable<MountInfo>, path: string): MountInfo | undefined {
  return mountFinder(mounts)(path);
}
