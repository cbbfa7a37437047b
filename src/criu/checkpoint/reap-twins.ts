// SPDX-License-Identifier: Apache-2.0
import type { Cgroup } from '../../common/cgroup.js';
import { forAll } from '../../common/for-all.js';
import type { HostPid, VasId } from '../../common/ids.js';
import { processLabel } from '../label.js';
import { readMaps, readStat, readStatus } from '../procfs/reader.js';
import { containerPid } from '../procfs/status.js';
import { checkRegisters, resumeRegisters } from '../resources/attributes.js';
import { retrying, type Patience } from '../retry.js';
import { Session } from '../tracee/session.js';
import type { NamedProcess } from '../tracee/stopped-processes.js';
import { syscallInstruction } from '../tracee/syscall-page.js';
import { reapingOf, type Twin } from '../tracee/twins.js';
import type { InTurn } from './request.js';
import { FreezeGuard } from '../vas/guard.js';
import { waitSocketOf } from '../vas/store.js';

/** Which container has twins, and how long a stop of it is retried. */
export interface ReapRequest {
  readonly initPid: HostPid;
  readonly cgroup: Cgroup;
  readonly vasId: VasId;
  readonly patience: Patience;
  readonly inTurn?: InTurn;
}

/**
 * Has processes reap those of their twins that are dead, in a further moment in which the container stands still: the
 * kernel leaves each of them to its parent, which does not know of it.
 */
export async function reapTwins(request: ReapRequest, twins: readonly Twin[]): Promise<void> {
  const left = twins.filter(({ pid }) => parentOf(pid) !== undefined);
  if (left.length === 0) return;
  const reap = () => retrying(request.patience, () => reapOnce(request, left));
  await (request.inTurn ? request.inTurn(reap) : reap());
}

async function reapOnce(request: ReapRequest, twins: readonly Twin[]): Promise<void> {
  const { initPid, cgroup, vasId, patience } = request;
  const guard = new FreezeGuard(waitSocketOf(vasId), cgroup);
  const options = { exec: 'keep', patience, beforeThaw: guard.arm } as const;
  const session = await Session.hold(initPid, cgroup, options);
  try {
    const parents = new Set(twins.flatMap(({ pid }) => parentOf(pid) ?? []));
    const held = session.pids().filter((pid) => parents.has(pid));
    const leaders = await session.leaders(held.map(nameOf));
    checkRegisters([{ threads: leaders }]);
    const resume = resumeRegisters([{ threads: leaders }]);
    await forAll(leaders, async (leader) => {
      leader.resume = resume.get(leader.tid) ?? leader.resume;
      const own = twins.filter(({ pid }) => parentOf(pid) === leader.pid);
      const instruction = syscallInstruction(leader, readMaps(leader.pid));
      await leader.exposedRemote(instruction, own.map(reapingOf));
    });
  } finally {
    await session.close();
    guard.disarm();
  }
}

function nameOf(pid: HostPid): NamedProcess {
  const status = readStatus(pid);
  const nsPid = containerPid(status);
  return { pid, nsPid, label: processLabel(nsPid, status.name) };
}

/** The parent that has to reap a process; undefined if it has been reaped. */
function parentOf(pid: HostPid): HostPid | undefined {
  try {
    return readStat(pid).ppid;
  } catch {
    return undefined;
  }
}
