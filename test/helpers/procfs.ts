// SPDX-License-Identifier: Apache-2.0
import { readFile, readdir } from 'node:fs/promises';

/** Identifies one life of a process: pids are reused, but not with the same start time. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks since boot (proc(5), stat field 22). */
  readonly startTicks: number;
}

/** Identity of a running process; rejects with ENOENT when there is none. */
export async function identify(pid: number): Promise<ProcessIdentity> {
  const stat = await readFile(`/proc/${String(pid)}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { pid, startTicks: Number(fields[19]) };
}

/** The pid by which a process knows itself (last column of NSpid, proc(5)). */
export async function innerPid(pid: number): Promise<number> {
  const match = /^NSpid:\s+(.*)$/m.exec(await readFile(`/proc/${String(pid)}/status`, 'utf8'));
  return Number(match?.[1]?.split(/\s+/).at(-1));
}

/**
 * Pids of `pid` and all processes below it, itself first; rejects with ENOENT if there is no such process.
 * One that ends meanwhile may be missing, but does not hide others, as it may in `children` of proc(5).
 */
export async function processTree(pid: number): Promise<number[]> {
  await identify(pid);
  const children = new Map<number, number[]>();
  for (const child of await allPids()) {
    const parent = await parentOf(child);
    children.set(parent, [...(children.get(parent) ?? []), child]);
  }
  const below = (parent: number): number[] =>
    (children.get(parent) ?? []).flatMap((child) => [child, ...below(child)]);
  return [pid, ...below(pid)];
}

/** Number of threads of a process. */
export async function threadCount(pid: number): Promise<number> {
  return (await readdir(`/proc/${String(pid)}/task`)).length;
}

/** Sum of the Private_* lines of smaps_rollup: memory that only this process has. Bytes. */
export async function privateBytes(pid: number): Promise<number> {
  return sumKiB(
    await readFile(`/proc/${String(pid)}/smaps_rollup`, 'utf8'),
    /^Private_\w+:\s+(\d+) kB$/gm,
  );
}

/** Resident memory (VmRSS) and its peak (VmHWM). Bytes. */
export async function residentMemory(pid: number): Promise<{ now: number; peak: number }> {
  const status = await readFile(`/proc/${String(pid)}/status`, 'utf8');
  return {
    now: sumKiB(status, /^VmRSS:\s+(\d+) kB$/gm),
    peak: sumKiB(status, /^VmHWM:\s+(\d+) kB$/gm),
  };
}

/** Pids of processes whose argument list holds `argument`, verbatim. */
export async function findByArgument(argument: string): Promise<number[]> {
  const found: number[] = [];
  for (const pid of await allPids()) {
    const line = await readFile(`/proc/${String(pid)}/cmdline`, 'utf8').catch(() => '');
    if (line.split('\0').includes(argument)) found.push(pid);
  }
  return found;
}

/** The parent's pid; NaN for a process that has ended. */
export async function parentOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${String(pid)}/stat`, 'utf8').catch(() => '');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

/** What each thread of a process does: its name, state, and the function and system call it waits in. */
export async function activityOf(pid: number): Promise<string[]> {
  const threads = await readdir(`/proc/${String(pid)}/task`).catch(() => []); // it has ended
  return await Promise.all(
    threads.map(async (tid) => {
      const read = async (name: string): Promise<string> =>
        (await readFile(`/proc/${tid}/${name}`, 'utf8').catch(() => 'ended')).trim();
      const stat = (await read('stat')).replace(/^\d+ (\(.*\) .).*$/s, '$1');
      return `${tid} ${stat} in ${await read('wchan')}, syscall ${await read('syscall')}`;
    }),
  );
}

async function allPids(): Promise<number[]> {
  return (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
}

function sumKiB(text: string, pattern: RegExp): number {
  let sum = 0;
  for (const match of text.matchAll(pattern)) sum += Number(match[1]) * 1024;
  return sum;
}
