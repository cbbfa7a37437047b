// SPDX-License-Identifier: Apache-2.0
import { closeSync, constants, openSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { ShimError } from '../common/errors.js';
import { syscall } from './index.js';
import { check, SYS } from './sys.js';

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
  const fd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  const result = syscall(SYS.flock, fd, LOCK_EX | LOCK_NB);
  if (result >= 0) return fd;
  closeSync(fd);
  if (result === -EAGAIN) return undefined;
  return check(`lock ${directory}`, result);
}

/**
 * Runs work while no other process does so for the same directory (flock(2) of the directory itself, which leaves
 * no file behind and ends with the process).
 *
 * @throws ShimError `unavailable` if others hold the lock for too long
 */
export async function withDirectoryLock<T>(directory: string, work: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + LIMIT_MS;
  for (;;) {
    const fd = tryLock(directory);
    if (fd !== undefined) {
      try {
        return await work();
      } finally {
        closeSync(fd);
      }
    }
    if (performance.now() > deadline) {
      throw new ShimError('unavailable', `lock ${directory}: others hold it`);
    }
    await delay(RETRY_MS);
  }
}
