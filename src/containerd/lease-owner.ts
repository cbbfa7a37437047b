// SPDX-License-Identifier: Apache-2.0
import { readFileSync, readlinkSync } from 'node:fs';

/** Begins the ids of leases of ours. */
export const LEASES = 'mvas-';
/** Label of such a lease: the process that has made it. */
const OWNER = 'mvas.owner';
/** Field of /proc/PID/stat, counted from the one after the name (proc_pid_stat(5)). */
const START_TIME = 19;

type Labels = readonly { readonly key?: string; readonly value?: string }[];

/** The label of a lease that this process makes. */
export function ownership(): { readonly key: string; readonly value: string } {
  return { key: OWNER, value: describe(process.pid) };
}

/** Whether the process that has made a lease has ended; of another pid namespace that is not known. */
export function hasEnded(labels: Labels): boolean {
  const owner = labels.find(({ key }) => key === OWNER)?.value ?? '';
  const [namespace, pid] = owner.split(' ');
  return namespace === pidNamespace() && describe(Number(pid)) !== owner;
}

function pidNamespace(): string {
  return readlinkSync('/proc/self/ns/pid');
}

/** A pid is used again; with its start time it is not. */
function describe(pid: number): string {
  return `${pidNamespace()} ${String(pid)} ${startTime(pid)}`;
}

function startTime(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[START_TIME] ?? '';
  } catch {
    return 'gone';
  }
}
