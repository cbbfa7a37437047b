// SPDX-License-Identifier: Apache-2.0
import { createReadStream, createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { once } from 'node:events';
import type { WriteStream } from 'node:fs';
import type { Entry, RootFilesystem } from '../../helpers/images/rootfs.js';

const TYPE = { directory: 0o040000, symlink: 0o120000, file: 0o100000 } as const;
const TRAILER = 'TRAILER!!!';

/**
 * Writes a root filesystem as an initramfs: a cpio archive in the format `newc`, uncompressed.
 *
 * Source of the format: kernel, driver-api/early-userspace/buffer-format.rst.
 */
export async function writeInitramfs(rootfs: RootFilesystem, path: string): Promise<void> {
  const output = createWriteStream(path);
  let inode = 1;
  for (const [name, entry] of rootfs.entries()) {
    const [mode, size] = modeAndSize(entry);
    await write(output, header(name, { inode: inode++, mode, size }));
    await writeContent(output, entry);
    await write(output, Buffer.alloc(padding(size)));
  }
  await write(output, header(TRAILER, { inode: 0, mode: 0, size: 0 }));
  output.end();
  await finished(output);
}

function modeAndSize(entry: Entry): readonly [mode: number, size: number] {
  switch (entry.kind) {
    case 'directory':
      return [TYPE.directory | entry.mode, 0];
    case 'symlink':
      return [TYPE.symlink | 0o777, Buffer.byteLength(entry.target)];
    case 'content':
      return [TYPE.file | entry.mode, Buffer.byteLength(entry.content)];
    case 'copy':
      return [TYPE.file | entry.mode, entry.size];
  }
}

async function writeContent(output: WriteStream, entry: Entry): Promise<void> {
  if (entry.kind === 'symlink') await write(output, Buffer.from(entry.target));
  if (entry.kind === 'content') await write(output, Buffer.from(entry.content));
  if (entry.kind !== 'copy') return;
  for await (const chunk of createReadStream(entry.source)) await write(output, chunk as Buffer);
}

function header(
  name: string,
  { inode, mode, size }: { readonly inode: number; readonly mode: number; readonly size: number },
): Buffer {
  // ino, mode, uid, gid, nlink, mtime, size, device (4 numbers), length of the name, checksum
  const fields = [inode, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, Buffer.byteLength(name) + 1, 0];
  const words = fields.map((field) => field.toString(16).padStart(8, '0')).join('');
  const text = Buffer.from(`070701${words}${name}\0`);
  return Buffer.concat([text, Buffer.alloc(padding(text.length))]);
}

function padding(length: number): number {
  return (4 - (length % 4)) % 4;
}

async function write(output: WriteStream, bytes: Buffer): Promise<void> {
  if (!output.write(bytes)) await once(output, 'drain');
}
