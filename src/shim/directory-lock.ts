// SPDX-License-Identifier: Apache-2.0
import { closeSync, constants, openSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { ShimError } from '../common/errors.js';
import { syscall } from '../native/index.js';
import { check, SYS } from '../native/sys.js';

const LOCK_EX = 2;
const LOCK_NB = 4;
const EAGAIN = 11;
const RETRY_MS = 2;
const LIMIT_MS = 2_000;

/**
 * Runs work while no other process does so for the same directory (flock(2) of the directory itself, which leaves
 * no file behind and ends with the process).
 *
 * @throws ShimError `unavailable` if others hold the lock for too long
 */
export async function withDirectoryLock<T>(directory: string, work: () => Promise<T>): Promise<T> {
  const fd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const deadline = performance.now() + LIMIT_MS;
    for (;;) {
      const result = syscall(SYS.flock, fd, LOCK_EX | LOCK_NB);
      if (result !== -EAGAIN) {
        check(`lock ${directory}`, result);
        return await work();
      }
      if (performance.now() > deadline) {
        throw new ShimError('unavailable', `lock ${directory}: others hold it`);
      }
      await delay(RETRY_MS);
    }
  } finally {
    closeSync(fd);
  }
}
