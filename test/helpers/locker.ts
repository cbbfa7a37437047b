// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { compiled } from './compiled.js';
import { REPOSITORY } from './paths.js';
import { tryRun } from './run.js';

const SOURCE = join(REPOSITORY, 'test/helpers/locker.c');

/** Copies the program of locker.c to a place. */
export async function copyLocker(to: string): Promise<void> {
  await copyFile(await compiled('locker', [SOURCE]), to);
}

/** What a locker has counted up to; 0 before it begins. */
export function lockerCount(file: string): number {
  try {
    return Number(readFileSync(file).readBigInt64LE());
  } catch {
    return 0;
  }
}

/** Whether somebody holds a lock on a file. */
export async function isLocked(file: string): Promise<boolean> {
  return (await tryRun('flock', ['--nonblock', file, 'true'])).code !== 0;
}
