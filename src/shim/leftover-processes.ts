// SPDX-License-Identifier: Apache-2.0
import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { asHostPid, type HostPid } from '../common/ids.js';
import { cgroupOf, killAll, pidsIn } from '../common/cgroup.js';
import { ShimError } from '../common/errors.js';
import type { Bundle } from './bundle.js';

/** Ticks of process times in a second, on every Linux that we support (sysconf(3), _SC_CLK_TCK). */
const TICKS_PER_S = 100;
/** Between a process's start and the note of its pid, no other process can have had that pid. */
const TOLERANCE_MS = 1_000;

/**
 * Kills what is left of a container if runc does not: everything in the cgroup of its init, if the init is alive
 * and is the process that the bundle names.
 *
 * @throws ShimError `deadlineExceeded` if something is still there after a while
 */
export async function killLeftovers(bundle: Bundle, id: string, timeoutMs: number): Promise<void> {
  const pid = asHostPid(Number(readFileSync(bundle.initPid, 'utf8')));
  if (!Number.isSafeInteger(pid) || pid <= 1) return;
  if (!startedBefore(pid, statSync(bundle.initPid).mtimeMs)) return;
  const cgroup = cgroupOf(pid);
  if (cgroup === undefined || !basename(cgroup.directory).includes(nameOf(bundle, id))) return;
  await killAll(cgroup, timeoutMs);
  const left = pidsIn(cgroup).length;
  if (left === 0) return;
  throw new ShimError('deadlineExceeded', `kill what is in ${cgroup.directory}: ${left} are left`);
}

/** Whether a process is alive that had started by a time, as far as the clock tells. */
export function startedBefore(pid: HostPid, timeMs: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // proc(5): starttime is the 20th word after the name.
    const ticks = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
    const uptime = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
    const startMs = Date.now() - (uptime - ticks / TICKS_PER_S) * 1000;
    return startMs <= timeMs + TOLERANCE_MS;
  } catch {
    return false; // It has exited.
  }
}

/** The name of the container's cgroup, also within systemd's `prefix-name.scope`. */
function nameOf(bundle: Bundle, id: string): string {
  const name = bundle.readSpec().linux?.cgroupsPath?.split(/[/:]/).at(-1) ?? '';
  return name === '' ? id : name;
}
