// SPDX-License-Identifier: Apache-2.0
import type { HostPid } from '../../../../common/ids.js';
import { statBelow } from '../../../../native/index.js';
import { closeFd } from '../../../../native/sys.js';
import type { MountInfo } from '../../../../common/procfs/mountinfo.js';
import { O, RESOLVE, STAT } from '../../../../native/abi/index.js';
import { cPath, openAt2, openHow, openOwn, ownLink } from '../system.js';

const DELETED = ' (deleted)';

/** A link of /proc without the ` (deleted)` that the kernel appends to the name of an unlinked file. */
export function withoutDeleted(link: string): string {
  return link.endsWith(DELETED) ? link.slice(0, -DELETED.length) : link;
}

const RESOLVE_INSIDE = RESOLVE.inRoot | RESOLVE.noMagicLinks;
const LOOK = O.path | O.nofollow | O.cloexec;
const ANYTHING = openHow(LOOK, 0, RESOLVE_INSIDE);
const DIRECTORY = openHow(LOOK | O.directory, 0, RESOLVE_INSIDE);

/** What identifies a file. */
interface Inode {
  readonly dev: bigint;
  readonly ino: bigint;
}

/** The files that the container's init sees: paths are looked up as it would. */
export class ContainerRoot {
  readonly #root: number;
  readonly #stat = Buffer.alloc(STAT.bytes);
  /** The last path that was looked up, and the result: a file may be open many times. */
  #last: { readonly path: string; readonly inode: Inode | undefined } | undefined;

  /** Holds a descriptor of the root until `context` closes. */
  constructor(context: {
    readonly init: { readonly pid: HostPid };
    atClose(close: () => void): void;
  }) {
    this.#root = openOwn(`/proc/${String(context.init.pid)}/root`, O.path | O.directory);
    context.atClose(() => {
      closeFd(this.#root);
    });
  }

  /** Whether a path leads to exactly this inode. */
  leadsTo(path: string, { dev, ino }: Inode): boolean {
    if (this.#last?.path !== path) this.#last = { path, inode: this.#inodeAt(path) };
    const { inode } = this.#last;
    return inode?.dev === dev && inode.ino === ino;
  }

  /** Whether there is a directory at a path. */
  isDirectory(path: string): boolean {
    return this.#lookUp(path, DIRECTORY);
  }

  /** Where a path to a directory leads after symbolic links; undefined if there is no directory. */
  folderAt(path: string): string | undefined {
    if (!path.startsWith('/')) return undefined;
    const found = openAt2(this.#root, path, O.path | O.directory, RESOLVE_INSIDE);
    if (found < 0) return undefined;
    try {
      return ownLink(found);
    } finally {
      closeFd(found);
    }
  }

  #inodeAt(path: string): Inode | undefined {
    if (!this.#lookUp(path, ANYTHING)) return undefined;
    const found = this.#stat;
    return { dev: found.readBigUInt64LE(STAT.device), ino: found.readBigUInt64LE(STAT.inode) };
  }

  #lookUp(path: string, how: Uint8Array): boolean {
    return path.startsWith('/') && statBelow(this.#root, cPath(path), how, this.#stat) === 0;
  }
}

/** File systems whose files keep the credentials of their opener and act with them. */
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

/** Whether files of this mount are opened only once the restore has dropped its privileges. */
export function opensLate(mount: Pick<MountInfo, 'fsType'>): boolean {
  return PRIVILEGED_TYPES.has(mount.fsType.split('.')[0] ?? '');
}

/**
 * Finds the mount that a path without symbolic links lies in: the last of those with the longest mount point, since
 * later mounts cover earlier ones. Undefined if none matches.
 */
export function mountFinder<M extends Pick<MountInfo, 'mountPoint'>>(
  mounts: Iterable<M>,
): (path: string) => M | undefined {
  const byPoint = new Map<string, M>();
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
