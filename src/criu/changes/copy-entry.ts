// SPDX-License-Identifier: Apache-2.0
import {
  chmodSync,
  closeSync,
  constants,
  ftruncateSync,
  lchownSync,
  linkSync,
  mkdirSync,
  openSync,
  readlinkSync,
  readSync,
  symlinkSync,
  writeSync,
  type BigIntStats,
} from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { encodeBytes } from '../../common/bytes.js';
import { AT_FDCWD, AT_SYMLINK_NOFOLLOW, SEEK } from '../../native/abi/index.js';
import { syscall } from '../../native/index.js';
import { call, SYS } from '../../native/sys.js';
import { cPath } from '../resources/files/system.js';
import { readAttributes, writeAttributes } from '../resources/tmpfs-attributes.js';

const BLOCK = 512n;
const SECOND = 1_000_000_000n;
const CHUNK = 1 << 20;
const PERMISSIONS = 0o7777n;

/** Makes a copy of anything but a directory, where nothing is yet. */
export async function copyEntry(from: string, to: string, stat: BigIntStats): Promise<void> {
  const target = encodeBytes(to);
  if (stat.isSymbolicLink()) {
    symlinkSync(readlinkSync(encodeBytes(from), { encoding: 'buffer' }), target);
  } else if (stat.isFile()) {
    if (stat.blocks * BLOCK < stat.size) copySparsely(from, to, Number(stat.size));
    else
      await copyFile(
        encodeBytes(from),
        target,
        constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL,
      );
  } else {
    const { mode, rdev } = stat;
    call(`make node ${to}`, SYS.mknodat, AT_FDCWD, cPath(to), Number(mode), Number(rdev));
  }
  writeInode(from, to, stat);
}

/** Gives an entry a second name. */
export function linkEntry(first: string, to: string): void {
  linkSync(encodeBytes(first), encodeBytes(to));
}

/** Makes a directory, which gets its attributes by {@link writeInode}. */
export function makeDirectory(to: string): void {
  mkdirSync(encodeBytes(to), { mode: 0o700 });
}

/** Owner, permissions, extended attributes and times, in the order in which none changes another. */
export function writeInode(from: string, to: string, stat: BigIntStats): void {
  const { uid, gid, mode, atimeNs, mtimeNs } = stat;
  lchownSync(encodeBytes(to), Number(uid), Number(gid));
  if (!stat.isSymbolicLink()) chmodSync(encodeBytes(to), Number(mode & PERMISSIONS));
  writeAttributes(to, readAttributes(from));
  const times = BigInt64Array.from([atimeNs, mtimeNs].flatMap(timespec));
  const bytes = new Uint8Array(times.buffer);
  call(`set the times of ${to}`, SYS.utimensat, AT_FDCWD, cPath(to), bytes, AT_SYMLINK_NOFOLLOW);
}

function timespec(time: bigint): [bigint, bigint] {
  const nanoseconds = ((time % SECOND) + SECOND) % SECOND;
  return [(time - nanoseconds) / SECOND, nanoseconds];
}

/** Copies only where there is data. */
function copySparsely(from: string, to: string, size: number): void {
  const source = openSync(encodeBytes(from), 'r');
  try {
    const target = openSync(encodeBytes(to), 'wx', 0o600);
    try {
      ftruncateSync(target, size);
      copyData(source, target, size);
    } finally {
      closeSync(target);
    }
  } finally {
    closeSync(source);
  }
}

function copyData(source: number, target: number, size: number): void {
  const buffer = Buffer.allocUnsafe(CHUNK);
  let at = 0;
  while (at < size) {
    const start = syscall(SYS.lseek, source, at, SEEK.data);
    if (start < 0) return; // ENXIO: nothing but a hole follows.
    const end = call('find a hole', SYS.lseek, source, start, SEEK.hole);
    for (at = start; at < end;) {
      const length = readSync(source, buffer, 0, Math.min(CHUNK, end - at), at);
      if (length === 0) return; // It has been truncated.
      for (let done = 0; done < length;)
        done += writeSync(target, buffer, done, length - done, at + done);
      at += length;
    }
  }
}
