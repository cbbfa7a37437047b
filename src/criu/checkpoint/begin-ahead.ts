// SPDX-License-Identifier: Apache-2.0
import type { HostPid, NsPid } from '../../common/ids.js';
import type { PreCopy } from '../memory/live/pre-copy.js';
import { lookAtRunning, type RunningProcess } from '../memory/live/running-process.js';
import { checkRegisters, resumeRegisters } from '../resources/attributes.js';
import { hasEnded } from '../tracee/life-watch.js';
import type { Session } from '../tracee/session.js';
import { checkUnpinned } from './pinned.js';
import type { Stops } from './stops.js';

/** Up to this many resident bytes are protected within one stop, in 1-3 ms. */
const SLOW_TO_PROTECT = 128 << 20;

/**
 * Starts to track writes, and selects the memory to copy. The container is inspected while it runs. It stands still only
 * while its processes are armed. If it has a lot of memory, that is protected while it runs, and a second stop
 * protects what was written to meanwhile.
 *
 * @throws ShimError for memory that cannot be restored, and whatever prevents a stop
 */
export async function beginAhead(
  pids: readonly HostPid[],
  memory: PreCopy,
  stops: Stops,
): Promise<void> {
  const running = lookAtRunning(pids);
  const resident = running.reduce((sum, one) => sum + one.resident, 0);
  const isAtOnce = resident < SLOW_TO_PROTECT;
  await stops.during(async (session) => {
    checkUnpinned(session.pids());
    await track(running, memory, session);
    if (isAtOnce) memory.protect(running);
  });
  if (!isAtOnce) {
    await memory.protectRunning(running);
    await stops.during((session) => {
      checkUnpinned(session.pids());
      memory.protectRest(running);
      return Promise.resolve();
    });
  }
  memory.place(running, parentsOf(running));
}

/** Starts to track those processes that still live. */
async function track(
  running: readonly RunningProcess[],
  memory: PreCopy,
  session: Session,
): Promise<void> {
  const held = new Set(session.pids());
  const same = running.filter(({ process: { pid } }) => held.has(pid) && !hasEnded(pid));
  const leaders = await session.leaders(same.map(({ process }) => process));
  checkRegisters([{ threads: leaders }]);
  const resume = resumeRegisters([{ threads: leaders }]);
  for (const leader of leaders) leader.resume = resume.get(leader.tid) ?? leader.resume;
  await memory.track(same, leaders);
}

function parentsOf(running: readonly RunningProcess[]): Map<NsPid, NsPid> {
  const nsPids = new Map(running.map(({ process: { pid, nsPid } }) => [pid, nsPid]));
  return new Map(
    running.flatMap(({ process: { nsPid }, parent }) => {
      const forker = nsPids.get(parent);
      return forker === undefined ? [] : [[nsPid, forker] as const];
    }),
  );
}
