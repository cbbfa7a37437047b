// SPDX-License-Identifier: Apache-2.0
import { fstatSync, lstatSync, readdirSync } from 'node:fs';
import { closeFd } from '../../../native/sys.js';
import { decodeBytes, encodeBytes } from '../../procfs/bytes.js';
import { O, RESOLVE } from './abi.js';
import { openAt2, openOwn } from './system.js';

/** Directory entries that are looked at before a search is given up. */
const MAX_ENTRIES = 100_000;

/**
 * Path of an inode below a mount point, as a process sees it: breadth first, without leaving the mount,
 * through descriptors, so that no link leads elsewhere. Undefined when it is not found.
 */
export function findInTree(rootPid: number, mountPoint: string, inode: bigint): string | undefined {
  const root = openOwn(`/proc/${String(rootPid)}/root`, O.path | O.directory);
  try {
    const queue = [mountPoint];
    let left = MAX_ENTRIES;
    for (let path = queue.shift(); path !== undefined && left > 0; path = queue.shift()) {
      const found = searchDirectory(root, path, inode);
      if (typeof found === 'string') return found;
      left -= found.entries;
      queue.push(...found.directories);
    }
    return undefined;
  } finally {
    closeFd(root);
  }
}

/** The same in one directory alone. */
export function findInDirectory(rootPid: number, path: string, inode: bigint): string | undefined {
  const root = openOwn(`/proc/${String(rootPid)}/root`, O.path | O.directory);
  try {
    const found = searchDirectory(root, path, inode);
    return typeof found === 'string' ? found : undefined;
  } finally {
    closeFd(root);
  }
}

function searchDirectory(
  root: number,
  path: string,
  inode: bigint,
): string | { entries: number; directories: string[] } {
  const resolve = RESOLVE.inRoot | RESOLVE.noSymlinks;
  const fd = openAt2(root, path, O.rdonly | O.directory | O.nofollow, resolve);
  if (fd < 0) return { entries: 1, directories: [] };
  try {
    const self = fstatSync(fd, { bigint: true });
    if (self.ino === inode) return path;
    const here = `/proc/self/fd/${String(fd)}`;
    const names = readdirSync(here, { encoding: 'buffer' }).map(decodeBytes);
    const directories: string[] = [];
    for (const name of names) {
      const child = path === '/' ? `/${name}` : `${path}/${name}`;
      const stat = lstatSync(encodeBytes(`${here}/${name}`), {
        bigint: true,
        throwIfNoEntry: false,
      });
      if (!stat) continue;
      if (stat.ino === inode) return child;
      if (stat.isDirectory() && stat.dev === self.dev) directories.push(child);
    }
    return { entries: names.length + 1, directories };
  } finally {
    closeFd(fd);
  }
}
