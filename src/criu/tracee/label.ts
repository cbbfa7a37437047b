// SPDX-License-Identifier: Apache-2.0
import { printable } from '../procfs/bytes.js';
import { readComm, readNamespace, readStatus } from '../procfs/reader.js';
import type { ProcStatus } from '../procfs/status.js';

/** How messages name a process: `pid 7 (nginx)`, by the container's pid and its command name. */
export function processLabel(nsPid: number, name: string): string {
  return `pid ${String(nsPid)} (${printable(name)})`;
}

/** How messages name a thread: `pid 7 (java) tid 12`; its process where it is the first one. */
export function threadLabel(process: string, nsPid: number, nsTid: number): string {
  return nsTid === nsPid ? process : `${process} tid ${String(nsTid)}`;
}

/** The same of a thread by its host tid, whatever has become of it. */
export function labelOf(tid: number): string {
  try {
    const thread = readStatus(tid);
    const leader = thread.tgid === tid ? thread : readStatus(thread.tgid);
    const [nsPid, nsTid] = [innermost(leader), innermost(thread)];
    return threadLabel(processLabel(nsPid, leader.name), nsPid, nsTid);
  } catch {
    return 'a process that has ended meanwhile';
  }
}

/** Who traces a thread, by the host's pid where it is no process of the same container. */
export function tracerLabel(tid: number, tracer: number): string {
  try {
    if (readNamespace(tracer, 'pid') === readNamespace(tid, 'pid')) return labelOf(tracer);
    return `${processLabel(tracer, readComm(tracer))} of the host`;
  } catch {
    return 'a process that has ended meanwhile';
  }
}

function innermost({ nsPid, pid }: ProcStatus): number {
  return nsPid.at(-1) ?? pid;
}
