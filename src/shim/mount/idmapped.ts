// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';
import { AT_EMPTY_PATH, O } from '../../native/abi/index.js';
import { userNamespace } from '../../native/index.js';
import { call, check, closeFd, cString, SYS } from '../../native/sys.js';

/** Options `uidmap=` and `gidmap=` of a mount, in the words of containerd: `inside:host:count`, separated by commas. */
export interface IdMapOptions {
  readonly users: string;
  readonly groups: string;
}

const AT_FDCWD = -100;
const AT_RECURSIVE = 0x8000;
const OPEN_TREE_CLONE = 1;
const MOVE_MOUNT_F_EMPTY_PATH = 4;
const MOUNT_ATTR_IDMAP = 0x100000n;

/**
 * A user namespace by whose maps mounts show files (mount_setattr(2), MOUNT_ATTR_IDMAP). What belongs to an id of the
 * container on disk shows as that of the host which the container is given for it.
 */
export class MountIds {
  readonly #namespace: number;

  private constructor(namespace: number) {
    this.#namespace = namespace;
  }

  /** Runs work with it. @throws ShimError `invalidArgument` for maps that the kernel refuses */
  static use(maps: IdMapOptions, work: (ids: MountIds) => void): void {
    const made = userNamespace(mapText(maps.users), mapText(maps.groups));
    const namespace = check(`map ids by uidmap=${maps.users},gidmap=${maps.groups}`, made);
    try {
      work(new MountIds(namespace));
    } finally {
      closeFd(namespace);
    }
  }

  /** A copy of what is mounted at a path and below, with these ids, mounted nowhere; closing it ends it. */
  copyOf(path: string): number {
    const flags = OPEN_TREE_CLONE | O.cloexec | AT_RECURSIVE;
    const tree = call(`copy the mount ${path}`, SYS.open_tree, AT_FDCWD, cString(path), flags);
    const attributes = BigUint64Array.of(MOUNT_ATTR_IDMAP, 0n, 0n, BigInt(this.#namespace));
    const how = [AT_EMPTY_PATH | AT_RECURSIVE, attributes, attributes.byteLength] as const;
    try {
      call(`map the ids of mount ${path}`, SYS.mount_setattr, tree, cString(''), ...how);
    } catch (error) {
      closeFd(tree);
      throw error;
    }
    return tree;
  }
}

/** Mounts a copy that was mounted nowhere, over what is at a path. */
export function attach(tree: number, path: string): void {
  const to = [AT_FDCWD, cString(path), MOVE_MOUNT_F_EMPTY_PATH] as const;
  call(`mount ${path}`, SYS.move_mount, tree, cString(''), ...to);
}

/**
 * Overlay options whose lower directories show their files with other ids, while `mount` runs with them. The names of these
 * directories are only of use to it.
 */
export function withMappedLowers(
  data: readonly string[],
  ids: MountIds,
  mount: (data: string[]) => void,
): void {
  const prefix = 'lowerdir=';
  const lower = data.find((option) => option.startsWith(prefix));
  if (lower === undefined) {
    throw new ShimError('invalidArgument', 'map the ids of an overlay: it has no lowerdir');
  }
  const trees: number[] = [];
  try {
    for (const path of lower.slice(prefix.length).split(':')) trees.push(ids.copyOf(path));
    const mapped = trees.map((tree) => `/proc/self/fd/${String(tree)}`).join(':');
    mount(data.map((option) => (option === lower ? `${prefix}${mapped}` : option)));
  } finally {
    trees.forEach(closeFd);
  }
}

/** A directory whose files show with other ids, by a path that is only of use to this process. */
export class MappedFolder {
  readonly path: string;
  readonly #tree: number;

  private constructor(tree: number) {
    this.path = `/proc/self/fd/${String(tree)}/.`;
    this.#tree = tree;
  }

  /**
   * Opens it, until it is closed. What the host's root makes there belongs at first to an id that the container does not
   * have.
   */
  static open(path: string, { users, groups }: IdMapOptions): MappedFolder {
    let tree = -1;
    MountIds.use({ users: withRoot(users), groups: withRoot(groups) }, (ids) => {
      tree = ids.copyOf(path);
    });
    return new MappedFolder(tree);
  }

  close(): void {
    closeFd(this.#tree);
  }
}

/** The same map, with a place for id 0 of the host: who has none there can make no files. */
function withRoot(option: string): string {
  const ranges = option.split(',').map((range) => range.split(':').map(Number));
  if (ranges.some(([, host]) => host === 0)) return option;
  const free = Math.max(...ranges.map(([inside = 0, , count = 0]) => inside + count));
  return `${option},${String(free)}:0:1`;
}

/** As uid_map has it (user_namespaces(7)). */
function mapText(option: string): string {
  return option
    .split(',')
    .map((range) => `${range.split(':').join(' ')}\n`)
    .join('');
}
