// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { badImage, ShimError } from '../../common/errors.js';

const MAX_FILES = 100_000;
const MAX_BYTES = 1024 * 1024 * 1024;

/**
 * SHA-256 over names, sizes and contents of all files of an image directory, in order of their names.
 * The VAS's own record has it: so an image that is not byte for byte what a checkpoint wrote on this
 * host is not used with the memory.
 *
 * @throws ShimError `invalidArgument`/`dataLoss` for a directory that cannot be an image
 */
export async function imageDigest(path: string): Promise<string> {
  const names = await readdir(path).catch((cause: unknown) => {
    throw new ShimError('invalidArgument', `read checkpoint ${path}: ${String(cause)}`, { cause });
  });
  if (names.length > MAX_FILES) badImage(`read checkpoint ${path}: too many files`);
  const hash = createHash('sha256');
  let room = MAX_BYTES;
  for (const name of names.sort()) {
    const bytes = await readBounded(join(path, name), room);
    room -= bytes.length;
    hash.update(`${String(Buffer.byteLength(name))} ${name} ${String(bytes.length)}\n`);
    hash.update(bytes);
  }
  return hash.digest('hex');
}

async function readBounded(path: string, most: number): Promise<Buffer> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(path, flags).catch((cause: unknown) => {
    throw new ShimError('dataLoss', `read ${path}: ${String(cause)}`, { cause });
  });
  try {
    const stat = await file.stat();
    if (!stat.isFile()) badImage(`read ${path}: not a regular file`);
    if (stat.size > most) badImage(`read ${path}: larger than an image can be`);
    return await file.readFile();
  } finally {
    await file.close();
  }
}
