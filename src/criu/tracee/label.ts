// SPDX-License-Identifier: Apache-2.0
import type { HostTid } from '../../common/ids.js';
import { hostProcessLabel, processLabel, threadLabel } from '../label.js';
import { readComm, readNamespace, readStatus } from '../procfs/reader.js';
import { containerPid, containerTid } from '../procfs/status.js';

/** The same for a thread by its host tid, whatever has become of it. */
export function labelOf(tid: HostTid): string {
  try {
    const thread = readStatus(tid);
    const leader = thread.tgid === tid ? thread : readStatus(thread.tgid);
    const [nsPid, nsTid] = [containerPid(leader), containerTid(thread)];
    return threadLabel(processLabel(nsPid, leader.name), nsPid, nsTid);
  } catch {
    return 'a process that has ended meanwhile';
  }
}

/** Names the tracer of a thread, by its host pid if it is not a process of the same container. */
export function tracerLabel(tid: HostTid, tracer: HostTid): string {
  try {
    if (readNamespace(tracer, 'pid') === readNamespace(tid, 'pid')) return labelOf(tracer);
    return hostProcessLabel(tracer, readComm(tracer));
  } catch {
    return 'a process that has ended meanwhile';
  }
}
