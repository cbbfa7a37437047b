// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../common/errors.js';
import { packTmpfs, TMPFS_LIMITS, type ReadTmpfs, type TmpfsMount } from '../resources/tmpfs.js';
import { checkMountPoint } from '../resources/tmpfs-pack.js';
import type { ImageReader } from './image-reader.js';
import type { ImageWriter } from './image-writer.js';

const MAX_MOUNTS = 1000;

/** Writes the archives of tmpfs mounts; the inventory names them. */
export async function writeTmpfs(writer: ImageWriter, mounts: readonly ReadTmpfs[]): Promise<void> {
  for (const mount of mounts) {
    const { dev, archive } = await packTmpfs(mount);
    const file = await writer.openRaw('tmpfs-dev', dev);
    await file.writeFile(archive).finally(() => file.close());
  }
}

/** Reads the archives that an image's inventory names. @throws ShimError `dataLoss` */
export function readTmpfs(reader: ImageReader): TmpfsMount[] {
  const { mvas_tmpfs: entries } = reader.inventory;
  if (entries.length > MAX_MOUNTS) badImage('an image with too many tmpfs mounts');
  const mounts: TmpfsMount[] = [];
  for (const { mount_point: mountPoint, dev } of entries) {
    checkMountPoint(mountPoint);
    const archive = reader.readRaw('tmpfs-dev', dev, TMPFS_LIMITS.bytes);
    mounts.push({ mountPoint, dev, archive });
  }
  return mounts;
}
