// SPDX-License-Identifier: Apache-2.0
import { processLabel, threadLabel } from '../label.js';
import { readComm, readNamespace, readStatus } from '../procfs/reader.js';
import type { ProcStatus } from '../procfs/status.js';

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
