// SPDX-License-Identifier: Apache-2.0
import type { HostPid, HostTid, NsPid } from '../../common/ids.js';
import { ShimError } from '../../common/errors.js';
import type { ThreadState, Tracer } from '../../native/index.js';
import { errnoName } from '../../native/sys.js';
import { processLabel, threadLabel } from '../label.js';
import { readStatus } from '../procfs/reader.js';
import { containerPid, containerTid, type ProcStatus } from '../procfs/status.js';
import { StillProcess } from '../procfs/still-process.js';
import { EndedMeanwhile, Momentary } from '../retry.js';
import { labelOf } from './label.js';
import { hasEnded } from './life-watch.js';
import { checkNamespaces } from './namespaces.js';
import type { Seizure } from './seizure.js';
import { StoppedThread } from './stopped-thread.js';
import type { LookAt, TracedProcess } from './tracee.js';
import { isTwin } from './twins.js';

const ESRCH = 3;

/** A process that has exited and waits to be reaped. */
export interface Zombie {
  readonly pid: HostPid;
  readonly nsPid: NsPid;
  readonly status: ProcStatus;
}

/** A process that stands still, with all of its threads. */
export interface StoppedProcess extends TracedProcess {
  readonly leader: StoppedThread;
  readonly threads: readonly StoppedThread[];
}

/** A process by its pids, and how messages name it. */
export type NamedProcess = Pick<TracedProcess, 'pid' | 'nsPid' | 'label'>;

/** Stops threads, and is told what is looked at. */
interface Holding {
  readonly tracer: Tracer;
  readonly lookAt: LookAt;
}

/** What a stopped container consists of. */
export interface CollectedProcesses {
  readonly processes: StoppedProcess[];
  readonly zombies: Zombie[];
  /** Dead twins (twins.ts), which their parents have not reaped. */
  readonly deadTwins: Zombie[];
}

/**
 * The processes of a container that has been stopped: those that are alive, and those that wait to be reaped.
 *
 * @throws Momentary, EndedMeanwhile if another try may succeed, ShimError `failedPrecondition` for a process in
 * namespaces or a cgroup of its own
 */
export async function collectStopped(
  seizure: Seizure,
  holding: Holding,
): Promise<CollectedProcesses> {
  const all = StillProcess.readAll(seizure.pids());
  const init = all.find(({ pid }) => pid === seizure.initPid) ?? StillProcess.read(seizure.initPid);
  // Zombies are found below, like other processes that the cgroup no longer lists.
  const alive = all.filter((process) => isAlive(process.status()));
  checkNamespaces(alive, init);
  const states = await holding.tracer.readThreads(
    Int32Array.from(alive.flatMap(({ tids }) => tids)),
  );
  let at = 0;
  const processes = alive.map((process) => {
    const own = states.slice(at, (at += process.tids.length));
    return collectProcess(process, own, holding);
  });
  const living = new Set(processes.map(({ pid }) => pid));
  const children = processes.flatMap(({ proc }) => proc.tids.flatMap((tid) => proc.children(tid)));
  const gone = children.filter((pid) => !living.has(pid));
  const twins = gone.filter(isTwin);
  const zombies = gone.filter((pid) => !twins.includes(pid)).map((pid) => zombieOf(pid, seizure));
  const deadTwins = twins.filter(isZombie).map((pid) => zombieOf(pid, seizure));
  return { processes, zombies, deadTwins };
}

/** A twin that is only about to end, and frees its memory, is left to the engine that ends it. */
function isZombie(pid: HostPid): boolean {
  try {
    return readStatus(pid).state === 'Z';
  } catch {
    return false; // It is gone.
  }
}

/**
 * A cgroup does not list processes that have exited, nor those that are about to: they are found as children of their
 * parents.
 *
 * @throws EndedMeanwhile for one that still frees what it has
 */
function zombieOf(pid: HostPid, { cgroup, leavesSome }: Seizure): Zombie {
  const status = readStatus(pid);
  if (status.state === 'Z') return { pid: status.tgid, nsPid: containerPid(status), status };
  if (hasEnded(pid)) throw ending(pid);
  throw leavesSome ? leftBehind(pid) : elsewhere(pid, cgroup?.directory ?? '');
}

/**
 * The first threads of processes that stand still.
 *
 * @throws EndedMeanwhile for one that has ended
 */
export async function readLeaders(
  processes: readonly NamedProcess[],
  tracer: Tracer,
): Promise<StoppedThread[]> {
  const states = await tracer.readThreads(Int32Array.from(processes, ({ pid }) => pid));
  return processes.map(({ pid, nsPid, label }, index) => {
    const ids = { pid, tid: pid, nsPid, nsTid: nsPid, label, status: readStatus(pid) };
    return new StoppedThread(tracer, ids, readable(pid, states[index]));
  });
}

function readable(tid: HostTid, state: ThreadState | undefined): ThreadState {
  if (state?.error === 0) return state;
  const why = errnoName(state?.error ?? ESRCH);
  throw new EndedMeanwhile('aborted', `read registers of ${labelOf(tid)}: ${why}`);
}

function collectProcess(
  proc: StillProcess,
  states: readonly ThreadState[],
  { tracer, lookAt }: Holding,
): StoppedProcess {
  const { tids } = proc;
  const leaderStatus = proc.status();
  const { tgid: pid, name } = leaderStatus;
  const nsPid = containerPid(leaderStatus);
  const process = processLabel(nsPid, name);
  const threads = tids.map((tid, index) => {
    const state = readable(tid, states[index]);
    const status = proc.status(tid);
    const nsTid = containerTid(status);
    const label = threadLabel(process, nsPid, nsTid);
    const ids = { pid, tid: status.pid, nsPid, nsTid, label, status, lookAt };
    return new StoppedThread(tracer, ids, state);
  });
  const [leader] = threads;
  if (!leader) throw new EndedMeanwhile('aborted', `${process} has no thread left`);
  return { pid, nsPid, label: process, leader, threads, proc, lookAt };
}

/** @throws Momentary for a process whose threads have outlived their first one */
function isAlive({ tgid: pid, state }: ProcStatus): boolean {
  if (state === 'Z' && !hasEnded(pid)) throw leaderGone(pid);
  return state !== 'Z';
}

function elsewhere(pid: HostPid, directory: string): ShimError {
  const what = `is not in the cgroup of its container, ${directory}, which is not supported`;
  const remedy = 'remedy: move it back, or end it if another container has left it over';
  return new ShimError('failedPrecondition', `${labelOf(pid)}: ${what}; ${remedy}`);
}

function ending(pid: HostPid): EndedMeanwhile {
  return new EndedMeanwhile('aborted', `${labelOf(pid)}: is about to end; remedy: try again`);
}

/** Its parent, which is left out, has ended right now. */
function leftBehind(pid: HostPid): Momentary {
  const what = `${labelOf(pid)}: has been left to the container by an exec just now`;
  return new Momentary('failedPrecondition', `${what}; remedy: try again`);
}

function leaderGone(pid: HostPid): ShimError {
  const what = `${labelOf(pid)}: its first thread has exited while others live`;
  return new Momentary('failedPrecondition', `${what}, which is not supported; remedy: end it`);
}
