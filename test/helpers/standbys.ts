// SPDX-License-Identifier: Apache-2.0
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { until } from './run.js';

const asWished = (heirs: string): NodeJS.ProcessEnv => ({
  MVAS_STANDBY_WARM_UP: process.env['MVAS_STANDBY_WARM_UP'] ?? heirs,
});

/** For the environment of a few shims: their standby has no heir. The environment of the tests may wish for others. */
export const NO_HEIR = asWished('0');

/**
 * For the environment of many shims: their standby has the heir that loads the engine, and not the one that rehearses for five
 * seconds of processor time.
 */
export const FIRST_HEIR = asWished('1');

/** A standby of the shim: its process, and the directory with its socket. */
export interface Standby {
  readonly pid: number;
  readonly directory: string;
}

/** The standbys that were started for a containerd, by its socket, and their heirs, the oldest first: they have its environment. */
export function standbysOf(address: string): Standby[] {
  return waitingOf(address, 'standby');
}

/** Their spares: forks that wait for a connection. */
export function sparesOf(address: string): Standby[] {
  return waitingOf(address, 'spare');
}

/** The pids that a standby keeps pidfds of, which those of its spares are once they have told it that they are ready. */
export function knownTo({ pid }: Standby): number[] {
  const directory = `/proc/${String(pid)}/fdinfo`;
  return readdirSync(directory).flatMap((fd) => {
    try {
      const text = readFileSync(join(directory, fd), 'utf8');
      return /^Pid:\t(\d+)$/m.exec(text)?.slice(1).map(Number) ?? [];
    } catch {
      return []; // It has been closed meanwhile.
    }
  });
}

function waitingOf(address: string, as: 'standby' | 'spare'): Standby[] {
  return withEnvironmentOf(address).flatMap((pid) => {
    const [, flag, directory = '', action] = wordsOf(pid, 'cmdline');
    return flag === '-socket' && action === as ? [{ pid, directory }] : [];
  });
}

/** Pids of all processes that have the environment of a containerd's shims, the oldest first: these themselves, and what they have started. */
export function withEnvironmentOf(address: string): number[] {
  const mark = `TTRPC_ADDRESS=${address}.ttrpc`;
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return byAge(pids.filter((pid) => wordsOf(pid, 'environ').includes(mark)).map(Number));
}

/** Of those in the order of their age, the first of each directory: the others are its heir, or a program that is being started. */
export function oldest(standbys: readonly Standby[]): Standby[] {
  const found = new Map<string, Standby>();
  for (const standby of standbys) {
    if (!found.has(standby.directory)) found.set(standby.directory, standby);
  }
  return [...found.values()];
}

/** In the order in which they were started: pids tell only until the kernel begins with small ones again. */
function byAge(pids: readonly number[]): number[] {
  const starts = new Map(pids.map((pid) => [pid, startOf(pid)]));
  return [...pids].sort((a, b) => (starts.get(a) ?? 0) - (starts.get(b) ?? 0));
}

/** When a process was started, in clock ticks since boot (proc(5)); 0 for one that has ended. */
function startOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
  } catch {
    return 0;
  }
}

/** Sends SIGSTOP to a process, and waits until it has stopped: it does nothing from then on. */
export async function stop(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  await until('it to stop', () =>
    Promise.resolve(/^State:\tT/m.test(readFileSync(`/proc/${String(pid)}/status`, 'utf8'))),
  );
}

/** NUL-terminated words of a file of /proc/PID; none for a process that has ended. */
export function wordsOf(pid: number | string, file: 'cmdline' | 'environ'): string[] {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8').split('\0').slice(0, -1);
  } catch {
    return [];
  }
}
