// SPDX-License-Identifier: Apache-2.0
import type { HostPid } from '../../common/ids.js';
import { ShimError } from '../../common/errors.js';
import { readMountinfo } from '../procfs/reader.js';
import { LeasedFiles } from './leased-files.js';
import { checkMountPoint, packTree, readTree, type ReadEntry } from './tmpfs-pack.js';
import { readArchive, writeTree, type Tree } from './tmpfs-unpack.js';

/** One tmpfs of a container. */
export interface TmpfsPlace {
  /** Absolute path in the container. */
  readonly mountPoint: string;
  /** Device number, by which CRIU names the file: `tmpfs-dev-<dev>.tar.gz.img`. */
  readonly dev: number;
}

/** One as it was read from a container. */
export interface ReadTmpfs extends TmpfsPlace {
  readonly entries: readonly ReadEntry[];
}

/** One as images have it. */
export interface TmpfsMount extends TmpfsPlace {
  /** Its content: a tar archive, compressed by gzip. */
  readonly archive: Uint8Array;
}

/** One whose archive has been read. */
export interface OpenedTmpfs {
  readonly mountPoint: string;
  readonly tree: Tree;
}

/** Limits of content in bytes, and of files, for all mounts together. */
export const TMPFS_LIMITS = { bytes: 256 * 1024 * 1024, entries: 100_000 } as const;

/**
 * Saves the content of tmpfs mounts of a stopped container: regular files (including holes and hard links),
 * directories, symbolic links, FIFOs, each with its extended attributes and ACLs. Sockets are left out: those that
 * are open are bound again.
 *
 * @param rootPid a process that sees the mounts
 * @throws ShimError `failedPrecondition` for a path that is not a tmpfs, for device nodes, and for too much
 * content.
 */
export function dumpTmpfs(rootPid: HostPid, mountPoints: readonly string[]): readonly ReadTmpfs[] {
  const mounts = readMountinfo(rootPid);
  const saved: ReadTmpfs[] = [];
  const budget = { ...TMPFS_LIMITS };
  const leased = new LeasedFiles();
  for (const mountPoint of mountPoints) {
    const mount = mounts.findLast((one) => one.mountPoint === mountPoint);
    if (mount?.fsType !== 'tmpfs') {
      throw new ShimError('failedPrecondition', `mount ${mountPoint}: no tmpfs is mounted there`);
    }
    const dev = (mount.dev.major << 20) | mount.dev.minor;
    if (saved.some((other) => other.dev === dev)) continue;
    saved.push({ mountPoint, dev, entries: readTree(rootPid, mountPoint, budget, leased) });
  }
  return saved;
}

/** Brings what was read into the form that images have: that takes a while, and no container has to stand still for it. */
export async function packTmpfs({ entries, ...place }: ReadTmpfs): Promise<TmpfsMount> {
  return { ...place, archive: await packTree(entries) };
}

/** Reads the archives of an image, before there is a container. Throws ShimError `dataLoss`. */
export async function openTmpfs(mounts: readonly TmpfsMount[]): Promise<OpenedTmpfs[]> {
  const budget = { ...TMPFS_LIMITS };
  const opened: OpenedTmpfs[] = [];
  for (const { mountPoint, archive } of mounts) {
    opened.push({ mountPoint, tree: await readArchive(mountPoint, archive, budget) });
  }
  return opened;
}

/**
 * Puts saved content into the tmpfs mounts of a new container, before anything of it is opened. Safe against
 * hostile archives: nothing outside of the mounts is touched.
 *
 * @param rootPid a process that sees the new mounts
 */
export function restoreTmpfs(rootPid: HostPid, mounts: readonly OpenedTmpfs[]): void {
  const live = readMountinfo(rootPid);
  for (const { mountPoint, tree } of mounts) {
    checkMountPoint(mountPoint);
    const mount = live.findLast((one) => one.mountPoint === mountPoint);
    if (mount?.fsType !== 'tmpfs') {
      const reason = 'the checkpoint has content of a tmpfs which the new container does not have';
      throw new ShimError('failedPrecondition', `mount ${mountPoint}: ${reason}`);
    }
    writeTree(rootPid, mountPoint, tree);
  }
}
