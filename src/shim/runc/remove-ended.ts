// SPDX-License-Identifier: Apache-2.0
import { rmdirSync, rmSync } from 'node:fs';
import { readRecord } from './record.js';

/**
 * Removes what is left of a container whose init has ended, as runc would: its cgroups and its record. Returns false where it takes more
 * than that: runc then does the rest. What still has processes, or cgroups of its own, cannot be removed here.
 *
 * @param stateDirectory runc's of the container
 */
export function removeEnded(stateDirectory: string): boolean {
  const record = readRecord(stateDirectory);
  if (record?.hasMoreAtDeletion !== false) return false;
  if (!record.cgroups.every(isRemoved)) return false;
  rmSync(stateDirectory, { recursive: true, force: true });
  return true;
}

function isRemoved(cgroup: string): boolean {
  try {
    rmdirSync(cgroup);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}
