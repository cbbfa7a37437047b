// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../common/errors.js';
import { SIGSTOP } from '../../native/abi/index.js';
import type { CheckpointImage } from './checkpoint-image.js';
import { TASK_STATE } from './constants.js';
import type { CoreEntry, PstreeEntry, TaskCoreEntry } from './types.js';
import { isDead } from './validate-tasks.js';

/** Signals by which a terminal stops processes; an action of the process, or an orphaned group, prevents it. */
const TERMINAL_STOPS: Readonly<Record<number, string>> = {
  20: 'SIGTSTP',
  21: 'SIGTTIN',
  22: 'SIGTTOU',
};

/**
 * Checks processes that job control has stopped. A parent that has not been told of a stop is told by the stop
 * signal, which the process receives again: so it must be one that stops it. Throws ShimError `dataLoss`.
 */
export function validateStops({ pstree, cores }: CheckpointImage): void {
  const living = pstree.filter(({ pid }) => isAlive(cores.get(pid)));
  const alive = new Map(living.map((process) => [process.pid, process]));
  for (const process of living) {
    const task = cores.get(process.pid)?.tc;
    if (task?.task_state === TASK_STATE.stopped) checkStop(process, task, alive);
  }
}

function checkStop(
  process: PstreeEntry,
  { exit_code: signal, comm, sigactions }: TaskCoreEntry,
  alive: ReadonlyMap<number, PstreeEntry>,
): void {
  if (signal === 0 || signal === SIGSTOP) return;
  const what = `pid ${String(process.pid)} (${comm})`;
  const name = TERMINAL_STOPS[signal] ?? badImage(`${what}: it is stopped by no stop signal`);
  const untold = `${what}: its parent has not heard that ${name} has stopped it`;
  // Actions are in the order of signals, except for SIGKILL and SIGSTOP, which have none.
  const hasAction = (sigactions[signal - 3]?.sigaction ?? 0n) !== 0n;
  if (hasAction) badImage(`${untold}, which now has another action; remedy: continue it first`);
  if (process.pid === 1 || isOrphaned(process, alive)) {
    badImage(
      `${untold}, which stops nothing in an orphaned process group; remedy: continue it first`,
    );
  }
}

function isAlive(core: CoreEntry | undefined): boolean {
  return core !== undefined && !isDead(core);
}

/** No member of its group has a parent in another group of its session (setpgid(2), kernel/exit.c). */
function isOrphaned({ pgid }: PstreeEntry, alive: ReadonlyMap<number, PstreeEntry>): boolean {
  const members = [...alive.values()].filter((one) => one.pgid === pgid);
  return !members.some(({ ppid, sid }) => {
    const parent = alive.get(ppid);
    return parent !== undefined && parent.pgid !== pgid && parent.sid === sid;
  });
}
