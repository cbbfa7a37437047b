// SPDX-License-Identifier: Apache-2.0
import { closeSync, constants, fstatSync, openSync, statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { ShimError } from '../common/errors.js';
import { syscall } from './index.js';
import { check, SYS } from './sys.js';

const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;
const EAGAIN = 11;
const RETRY_MS = 2;
const LIMIT_MS = 2_000;

/**
 * Locks a directory until the returned descriptor is closed, or its process ends; undefined if another process has
 * locked it.
 */
export function tryLock(directory: string): number | undefined {
  return tryToLock(directory, LOCK_EX);
}

/** The same for a lock that others may share, as long as nobody has it alone. */
export function tryShare(directory: string): number | undefined {
  return tryToLock(directory, LOCK_SH);
}

function tryToLock(path: string, how: number, kind = constants.O_DIRECTORY): number | undefined {
  const fd = openSync(path, constants.O_RDONLY | kind);
  const result = syscall(SYS.flock, fd, how | LOCK_NB);
  if (result >= 0) return fd;
  closeSync(fd);
  if (result === -EAGAIN) return undefined;
  return check(`lock ${path}`, result);
}

/**
 * Runs work while no other process does so for the same directory (flock(2) of the directory itself, which leaves
 * no file behind and ends with the process).
 *
 * @throws ShimError `unavailable` if others hold the lock for too long
 */
export async function withDirectoryLock<T>(directory: string, work: () => Promise<T>): Promise<T> {
  return await whileLocked(directory, () => tryLock(directory), work);
}

/** The same for a file, which is not written to; another one may take its name. */
export async function withFileLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  return await whileLocked(path, () => tryFile(path), work);
}

function tryFile(path: string): number | undefined {
  const fd = tryToLock(path, LOCK_EX, 0);
  if (fd === undefined) return undefined;
  const there = statSync(path, { throwIfNoEntry: false })?.ino;
  if (fstatSync(fd).ino === there) return fd;
  closeSync(fd);
  return undefined; // Another one has its name now.
}

async function whileLocked<T>(
  path: string,
  lock: () => number | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const deadline = performance.now() + LIMIT_MS;
  for (;;) {
    const fd = lock();
    if (fd !== undefined) {
      try {
        return await work();
      } finally {
        closeSync(fd);
      }
    }
    if (performance.now() > deadline) {
      throw new ShimError('unavailable', `lock ${path}: others hold it`);
    }
    await delay(RETRY_MS);
  }
}
