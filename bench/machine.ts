// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';

const TICK_MS = 10; // of /proc/stat

/** Processor time that the machine has spent on anything, in milliseconds. */
export async function busyMs(): Promise<number> {
  const [line = ''] = (await readFile('/proc/stat', 'utf8')).split('\n');
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = line
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq) * TICK_MS;
}

/** A figure of a file of a process in bytes, where a line says it in kB. */
async function bytesIn(pid: number, file: string, pattern: RegExp): Promise<number> {
  const text = await readFile(`/proc/${String(pid)}/${file}`, 'utf8');
  return Number(pattern.exec(text)?.[1] ?? 0) * 1024;
}

/** Memory that is there for a process alone, in bytes: private pages, but for those of unchanged files, and page tables. */
async function ownBytes(pid: number): Promise<number> {
  const pages = await bytesIn(pid, 'smaps_rollup', /^Private_Dirty:\s+(\d+) kB$/m);
  return pages + (await bytesIn(pid, 'status', /^VmPTE:\s+(\d+) kB$/m));
}

/** The sum of that for several processes. */
export async function ownBytesOf(pids: readonly number[]): Promise<number> {
  let sum = 0;
  for (const pid of pids) sum += await ownBytes(pid);
  return sum;
}

/** Memory of processes in bytes: of a page that several map, each has a part (proc(5), Pss). */
export async function proportionalBytesOf(pids: readonly number[]): Promise<number> {
  let sum = 0;
  for (const pid of pids) sum += await bytesIn(pid, 'smaps_rollup', /^Pss:\s+(\d+) kB$/m);
  return sum;
}
