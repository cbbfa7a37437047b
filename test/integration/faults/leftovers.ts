// SPDX-License-Identifier: Apache-2.0
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { textOf, type Yard } from './harness.js';

const HIERARCHIES = '/sys/fs/cgroup';
/** A keeper stays for five seconds after its last child, to answer late questions about how that ended. */
const GONE_TIMEOUT_MS = 10_000;

/** Cgroups of VASes, in any hierarchy's `mvas`. */
function cgroupsOf(vasIds: Iterable<string>): string[] {
  const places = [HIERARCHIES, ...list(HIERARCHIES).map((name) => join(HIERARCHIES, name))];
  return [...vasIds]
    .flatMap((id) => places.map((place) => join(place, 'mvas', id)))
    .filter((directory) => existsSync(directory));
}

/** Sockets of holders and keepers of VASes under a root that are alive, by path: unix(7). */
export function vasSockets(vasRoot: string): string[] {
  return textOf('/proc/net/unix')
    .split('\n')
    .map((line) => line.split(' ').at(-1) ?? '')
    .filter((path) => path.startsWith(`${vasRoot}/`));
}

/** All that is left of a yard's VASes: directories, processes, cgroups that no process uses. */
function vasLeftovers({ vasRoot, vasIds }: Yard): string[] {
  const orphaned = cgroupsOf(vasIds).filter(
    (directory) => textOf(join(directory, 'cgroup.procs')) === '',
  );
  const left = list(vasRoot).filter((name) => !name.startsWith('ended.log'));
  return [...left, ...vasSockets(vasRoot), ...orphaned];
}

/** {@link vasLeftovers} once keepers have had time to exit. */
export async function vasLeftoversInTheEnd(yard: Yard): Promise<string[]> {
  const end = performance.now() + GONE_TIMEOUT_MS;
  for (;;) {
    await delay(100); // The yard learns of new VASes meanwhile.
    const left = vasLeftovers(yard);
    if (left.length === 0 || performance.now() > end) return left;
  }
}

/** Pids of the children of a process (/proc/PID/task/TID/children). */
export function childrenOf(pid: number): number[] {
  const text = textOf(`/proc/${String(pid)}/task/${String(pid)}/children`);
  return text.split(' ').filter(Boolean).map(Number);
}

/** Parent of a process. */
export function parentOf(pid: number): number {
  return Number(/^PPid:\s*(\d+)$/m.exec(textOf(`/proc/${String(pid)}/status`))?.[1] ?? 0);
}

/** Mounts of this mount namespace below a folder. */
export function mountsBelow(folder: string): string[] {
  return textOf('/proc/self/mountinfo')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((point) => point.startsWith(folder));
}

/** Cgroups of a container, in any hierarchy. */
export function containerCgroups(id: string): string[] {
  return [HIERARCHIES, ...list(HIERARCHIES).map((name) => join(HIERARCHIES, name))]
    .map((place) => join(place, `mvas-target-${id}`))
    .filter((path) => existsSync(path));
}

/** Names in a directory; none if it does not exist. */
export function list(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
