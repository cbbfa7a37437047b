// SPDX-License-Identifier: Apache-2.0
import { readFileSync, readdirSync } from 'node:fs';

/** A standby of the shim: its process, and the directory with its socket. */
export interface Standby {
  readonly pid: number;
  readonly directory: string;
}

/** The standbys that were started for a containerd, by its socket: they have its environment. */
export function standbysOf(address: string): Standby[] {
  const mark = `TTRPC_ADDRESS=${address}.ttrpc`;
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const ours = pids.filter((pid) => wordsOf(pid, 'environ').includes(mark));
  return ours.flatMap((pid) => {
    const [, flag, directory = '', action] = wordsOf(pid, 'cmdline');
    const isStandby = flag === '-socket' && action === 'standby';
    return isStandby ? [{ pid: Number(pid), directory }] : [];
  });
}

/** NUL-terminated words of a file of /proc/PID; none for a process that has ended. */
export function wordsOf(pid: number | string, file: 'cmdline' | 'environ'): string[] {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8').split('\0').slice(0, -1);
  } catch {
    return [];
  }
}
