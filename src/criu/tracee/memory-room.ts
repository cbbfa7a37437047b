// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { memoryCgroupsOf, readMemoryRoom, type MemoryRoom } from '../../common/cgroup-memory.js';
import { ShimError } from '../../common/errors.js';
import type { TracedProcess } from './tracee.js';

/**
 * Memory that we map into a process is ours, but the container pays for its page tables and the kernel's records.
 */
const FOR_PROCESS = 8192;
/** For anything else that the kernel may need meanwhile. */
const MARGIN = 131_072;

/**
 * Ensures that no process is killed because of what a checkpoint maps into them: the kernel kills at the limit of a
 * memory cgroup.
 *
 * @throws ShimError `resourceExhausted` naming the limit
 */
export function checkMemoryRoom(processes: readonly Pick<TracedProcess, 'proc'>[]): void {
  const mountinfo = readFileSync('/proc/self/mountinfo', 'utf8');
  const byCgroups = new Map<string, number>();
  for (const { proc } of processes) {
    const cgroups = proc.cgroupText();
    byCgroups.set(cgroups, (byCgroups.get(cgroups) ?? 0) + 1);
  }
  const members = new Map<string, number>();
  for (const [cgroups, count] of byCgroups) {
    for (const directory of memoryCgroupsOf(cgroups, mountinfo)) {
      members.set(directory, (members.get(directory) ?? 0) + count);
    }
  }
  for (const [directory, count] of members) {
    const found = readMemoryRoom(directory);
    if (found.room < roomFor(count)) throw refusal(found, count);
  }
}

function roomFor(processes: number): number {
  return processes * FOR_PROCESS + MARGIN;
}

function refusal({ directory, limit, room }: MemoryRoom, processes: number): ShimError {
  const left = `${words(Math.max(room, 0))} are left of its memory limit of ${words(limit)}`;
  const needs = `a checkpoint of its ${String(processes)} processes needs ${words(roomFor(processes))}`;
  const remedy = 'remedy: raise the limit, or let its processes free memory';
  return new ShimError('resourceExhausted', `${directory}: ${left}, and ${needs}; ${remedy}`);
}

function words(bytes: number): string {
  return `${String(Math.floor(bytes / 1024))} KiB`;
}
