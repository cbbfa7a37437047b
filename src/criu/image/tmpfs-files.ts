// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../common/errors.js';
import { TMPFS_LIMITS, type TmpfsMount } from '../resources/tmpfs.js';
import { checkMountPoint } from '../resources/tmpfs-pack.js';
import type { ImageReader } from './image-reader.js';
import type { ImageWriter } from './image-writer.js';

const MAX_MOUNTS = 1000;

/** Writes the archives of tmpfs mounts; the inventory names them. */
export async function writeTmpfs(
  writer: ImageWriter,
  mounts: readonly TmpfsMount[],
): Promise<void> {
  for (const { dev, archive } of mounts) {
    const file = await writer.openRaw('tmpfs-dev', dev);
    await file.writeFile(archive).finally(() => file.close());
  }
}

/** Reads the archives that an image's inventory names. @throws ShimError `dataLoss` */
export async function readTmpfs(reader: ImageReader): Promise<TmpfsMount[]> {
  const { mvas_tmpfs: entries } = reader.inventory;
  if (entries.length > MAX_MOUNTS) badImage('an image with too many tmpfs mounts');
  const mounts: TmpfsMount[] = [];
  for (const { mount_point: mountPoint, dev } of entries) {
    checkMountPoint(mountPoint);
    const archive = await readArchive(reader, mountPoint, dev);
    mounts.push({ mountPoint, dev, archive });
  }
  return mounts;
}

async function readArchive(
  reader: ImageReader,
  mountPoint: string,
  dev: number,
): Promise<Uint8Array> {
  const file = await reader.openRaw('tmpfs-dev', dev);
  try {
    const { size } = await file.stat();
    if (size > TMPFS_LIMITS.bytes) badImage(`tmpfs ${mountPoint}: too large`);
    return await file.readFile();
  } finally {
    await file.close();
  }
}
