// SPDX-License-Identifier: Apache-2.0
import { closeSync, fstatSync, readdirSync, rmSync, rmdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { tryLock } from '../native/directory-lock.js';

/**
 * Removes a standby's directory, and the one above if that is empty; does nothing if another standby has its name by now.
 * Never throws: an heir may be writing to it, and removes it when it hears of the end.
 *
 * @param lock a descriptor of it; the caller has it locked, so that no standby is started in it
 */
export function removeDirectory(directory: string, lock: number): void {
  try {
    if (!isSame(directory, lock)) return;
    rmSync(directory, { recursive: true, force: true });
    rmdirSync(dirname(directory));
  } catch {
    // Something is in it, or another standby lives beside it.
  }
}

/**
 * Removes the directories of standbys that were killed: nobody has them locked. A launcher that is about to lock one of
 * them makes it anew. Never throws.
 *
 * @param directory of a standby, which has it locked; the others lie beside it
 */
export function removeAbandoned(directory: string): void {
  for (const other of siblingsOf(directory)) removeIfAbandoned(other);
}

function siblingsOf(directory: string): string[] {
  const root = dirname(directory);
  try {
    const entries = readdirSync(root, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(root, name));
  } catch {
    return []; // Somebody has removed all of them.
  }
}

/**
 * The same for one of them. What a fork was doing when its standby ended may have made the directory again.
 */
export function removeIfAbandoned(directory: string): void {
  try {
    const lock = tryLock(directory);
    if (lock === undefined) return;
    removeDirectory(directory, lock);
    closeSync(lock);
  } catch {
    // It has gone meanwhile.
  }
}

/** Whether a path still names what is open. */
export function isSame(path: string, fd: number): boolean {
  const [named, open] = [statSync(path, { throwIfNoEntry: false }), fstatSync(fd)];
  return named?.ino === open.ino && named.dev === open.dev;
}
