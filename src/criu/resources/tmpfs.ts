// SPDX-License-Identifier: Apache-2.0
import type { HostPid } from '../../common/ids.js';
import { ShimError } from '../../common/errors.js';
import { readMountinfo } from '../procfs/reader.js';
import { checkMountPoint, compressArchive, packTree } from './tmpfs-pack.js';
import { unpackTree } from './tmpfs-unpack.js';

/** One tmpfs of a container. */
export interface TmpfsPlace {
  /** Absolute path in the container. */
  readonly mountPoint: string;
  /** Device number, by which CRIU names the file: `tmpfs-dev-<dev>.tar.gz.img`. */
  readonly dev: number;
}

/** One as it was read from a container. */
export interface PackedTmpfs extends TmpfsPlace {
  /** Its content: a tar archive. */
  readonly tar: Uint8Array;
}

/** One as images have it. */
export interface TmpfsMount extends TmpfsPlace {
  /** Its content: a tar archive, compressed by gzip. */
  readonly archive: Uint8Array;
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
export async function dumpTmpfs(
  rootPid: HostPid,
  mountPoints: readonly string[],
): Promise<readonly PackedTmpfs[]> {
  const mounts = readMountinfo(rootPid);
  const saved: PackedTmpfs[] = [];
  const budget = { ...TMPFS_LIMITS };
  for (const mountPoint of mountPoints) {
    const mount = mounts.findLast((one) => one.mountPoint === mountPoint);
    if (mount?.fsType !== 'tmpfs') {
      throw new ShimError('failedPrecondition', `mount ${mountPoint}: no tmpfs is mounted there`);
    }
    const dev = (mount.dev.major << 20) | mount.dev.minor;
    if (saved.some((other) => other.dev === dev)) continue;
    saved.push({ mountPoint, dev, tar: await packTree(rootPid, mountPoint, budget) });
  }
  return saved;
}

/** Brings what was read into the form that images have: that takes a while, and no container has to stand still for it. */
export async function compressTmpfs({ tar, ...place }: PackedTmpfs): Promise<TmpfsMount> {
  return { ...place, archive: await compressArchive(tar) };
}

/**
 * Puts saved content into the tmpfs mounts of a new container, before anything of it is opened. Safe against
 * hostile archives: nothing outside of the mounts is touched.
 *
 * @param rootPid a process that sees the new mounts
 */
export async function restoreTmpfs(rootPid: HostPid, mounts: readonly TmpfsMount[]): Promise<void> {
  const live = readMountinfo(rootPid);
  const budget = { ...TMPFS_LIMITS };
  for (const { mountPoint, archive } of mounts) {
    checkMountPoint(mountPoint);
    const mount = live.findLast((one) => one.mountPoint === mountPoint);
    if (mount?.fsType !== 'tmpfs') {
      const reason = 'the checkpoint has content of a tmpfs which the new container does not have';
      throw new ShimError('failedPrecondition', `mount ${mountPoint}: ${reason}`);
    }
    await unpackTree(rootPid, mountPoint, archive, budget);
  }
}
