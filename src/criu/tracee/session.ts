// SPDX-License-Identifier: Apache-2.0
import type { HostPid, HostTid, NsPid } from '../../common/ids.js';
import { instructionPointer } from '../arch/index.js';
import { processLabel, threadLabel } from '../label.js';
import { setTimeout as delay } from 'node:timers/promises';
import { pidsIn, thaw, freeze, isFrozen, type Cgroup } from '../../common/cgroup.js';
import { ShimError } from '../../common/errors.js';
import { forAll } from '../../common/for-all.js';
import { logger } from '../../common/log.js';
import { Tracer } from '../../native/index.js';
import { errnoName, SYS } from '../../native/sys.js';
import { killPoint } from '../faults.js';
import type { Vma } from '../procfs/maps.js';
import {
  listThreads,
  readChildren,
  readSeccompMode,
  readStatus,
  readVitals,
} from '../procfs/reader.js';
import type { ProcStatus } from '../procfs/status.js';
import { containerPid, containerTid } from '../procfs/status.js';
import { EndedMeanwhile, Momentary, momentaryIfGone, retrying, type Patience } from '../retry.js';
import { hasEnded, isDoomed, isDying } from './life-watch.js';
import { Namespaces } from './namespaces.js';
import { labelOf, tracerLabel } from './label.js';
import { inTheWay, originsOf, OutsiderInTheWay } from './outsiders.js';
import { findRemains } from './remains.js';
import { Standstill } from './standstill.js';
import { StoppedThread } from './stopped-thread.js';
import { injectSyscallPage, syscallInstruction, type SyscallPage } from './syscall-page.js';
import type { TracedProcess } from './tracee.js';

const log = logger('session');

/** PTRACE_O_*: TRACESYSGOOD, TRACEFORK, TRACEVFORK, TRACECLONE, SUSPEND_SECCOMP (linux/ptrace.h). */
const OPTIONS = 0x1 | 0x2 | 0x4 | 0x8;
const SUSPEND_SECCOMP = 0x00200000;
/** So long no thread may stop while some are waited for. */
const STOP_TIMEOUT_MS = 1_000;
/** So long threads may take to stop before they are looked at. */
const PATIENCE_MS = 50;
/** So long it may take to begin to trace a frozen container. */
const FROZEN_PATIENCE_MS = 1_000;
const MAX_ROUNDS = 100;
const EPERM = 1;
const ESRCH = 3;
const ETIMEDOUT = 110;
const PTRACE_EVENT_STOP = 128;
const SIGTRAP = 5;

/** A process that has exited and waits to be reaped. */
export interface Zombie {
  readonly pid: HostPid;
  readonly nsPid: NsPid;
  readonly status: ProcStatus;
}

/** What a process maps, by its host pid. */
type AreasOf = (pid: number) => readonly Vma[];

/** A process that stands still, all of its threads. */
interface StoppedProcess extends TracedProcess {
  readonly leader: StoppedThread;
  readonly threads: readonly StoppedThread[];
}

/** What a seizure is told besides the container. */
export interface SeizeOptions {
  /** Names of processes that the caller has started in it, by host pid. */
  readonly execs?: (() => ReadonlyMap<number, string>) | undefined;
  /** How long processes from outside are waited for where only they can run. */
  readonly patience: Patience;
}

/**
 * A container under our trace: every thread of every process stopped. Closing the session, or the
 * death of this process, lets all of them go on.
 */
export class Session {
  readonly tracer = new Tracer();
  readonly zombies: Zombie[] = [];
  readonly processes: StoppedProcess[] = [];
  /** Container pids of processes that job control had stopped, with the signal that did it. */
  readonly jobStopped = new Map<number, number>();
  readonly #cgroup: Cgroup;
  readonly #initPid: number;
  /** The container was frozen when it was found. */
  readonly wasFrozen: boolean;
  readonly standstill: Standstill;
  readonly #stops = new Map<number, number>();
  readonly #pages: SyscallPage[] = [];
  #isReleased = false;

  private constructor(initPid: number, cgroup: Cgroup) {
    this.#initPid = initPid;
    this.#cgroup = cgroup;
    this.wasFrozen = isFrozen(cgroup);
    this.standstill = new Standstill(this.tracer, initPid);
  }

  /**
   * Stops a container. On failure everything runs (or is frozen) as before.
   *
   * Processes from outside are in the way. In a container that was frozen they run until they have ended,
   * for as long as there is patience, while all of its own stand still.
   *
   * @throws Momentary where another try may succeed, ShimError `failedPrecondition` for a process that cannot be
   *   traced, AbortError
   */
  static async seize(
    initPid: number,
    cgroup: Cgroup,
    { execs = () => new Map(), patience }: SeizeOptions,
  ): Promise<Session> {
    const session = new Session(initPid, cgroup);
    const limitMs = session.wasFrozen ? patience.limitMs : 0;
    const seize = () => session.#seizeOwn(execs, limitMs > 0);
    try {
      await retrying({ ...patience, limitMs }, seize, OutsiderInTheWay);
      await session.#collect();
      return session;
    } catch (error) {
      await session.release();
      throw session.standstill.reason ?? momentaryIfGone(error);
    }
  }

  /** Registers, by host tid, that threads resume with instead of those they stopped with. */
  resume: ReadonlyMap<number, Uint8Array> = new Map();

  /** Lets threads resume with other registers than those they stopped with. */
  resumeWith(registers: ReadonlyMap<number, Uint8Array>): void {
    this.resume = registers;
    for (const thread of this.#threads()) {
      thread.resume = registers.get(thread.tid) ?? thread.resume;
    }
  }

  /**
   * Takes out the memory that a killed checkpoint has left in processes. Comes before anything is read
   * that this would change. False: there was none.
   *
   * @param areasOf what each maps, by host pid
   */
  async removeRemains(areasOf: AreasOf): Promise<boolean> {
    let hasRemoved = false;
    for (const { pid, nsPid, label, leader, threads } of this.processes) {
      const instructions = threads.map(({ registers }) => instructionPointer(registers));
      const areas = areasOf(pid);
      for (const { start, size } of findRemains(pid, areas, instructions)) {
        const call = { nr: SYS.munmap, args: [start, size] };
        await leader.exposedRemote(syscallInstruction({ pid, label }, areas), [call]);
        log.info('memory of a killed checkpoint has been removed', { pid: nsPid, start, size });
        hasRemoved = true;
      }
    }
    return hasRemoved;
  }

  /** Makes all processes ready for remote calls. `areasOf`: what each maps, by host pid. */
  async prepare(areasOf: AreasOf): Promise<void> {
    await forAll(this.processes, async ({ pid, threads }) => {
      const page = await injectSyscallPage(threads, areasOf(pid));
      this.#pages.push(page);
      killPoint('inject');
    });
  }

  /**
   * Puts every register back, takes our pages out and lets all threads go, frozen if they were. Once: a
   * second time does nothing, since the container is somebody else's by then.
   * Never throws: a thread that cannot be put back has died.
   */
  async release(): Promise<void> {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.standstill.end();
    await forAll(this.#pages.splice(0), async (page) => {
      await page.remove();
      killPoint('leave');
    });
    await forAll(this.#threads(), (thread) => thread.putBack());
    // Asked for before the threads are let go, so that none of them runs; done when they are.
    const isEnding = (): boolean => isDoomed(this.#initPid); // Which nothing frozen can.
    const freezes = this.wasFrozen && !isEnding();
    const frozen = freezes ? freeze(this.#cgroup, isEnding) : Promise.resolve();
    if (this.#stops.size > 0) await this.tracer.detach(Int32Array.from(this.#stops.keys()));
    this.#stops.clear();
    this.tracer.close();
    await frozen.catch((error: unknown) => {
      log.error('the container could not be frozen again', { error: String(error) });
    });
  }

  /**
   * SIGKILLs every process, PID 1 first: the kernel ends its namespace even if we die on the way. None of
   * them is frozen: what was has been thawed to be seized.
   */
  kill(): void {
    this.standstill.end();
    for (const pid of [this.#initPid, ...this.#pids()]) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // Gone already.
      }
    }
    this.tracer.close();
  }

  #threads(): StoppedThread[] {
    return this.processes.flatMap(({ threads }) => threads);
  }

  #pids(): number[] {
    const pids = pidsIn(this.#cgroup);
    return pids.includes(this.#initPid) ? pids : [this.#initPid, ...pids];
  }

  /** Stops all processes that are the container's own. `mayRun`: before any from outside is in the way. */
  async #seizeOwn(execs: () => ReadonlyMap<number, string>, mayRun: boolean): Promise<void> {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const { own, outsiders } = originsOf(this.#initPid, this.#pids());
      const fresh = own.flatMap((pid) => this.#untraced(pid));
      const isDone = fresh.length === 0;
      if (outsiders.length > 0 && (isDone || !mayRun)) throw inTheWay(outsiders, execs());
      if (isDone) return;
      const isFirst = round === 0 && this.wasFrozen;
      await this.#waitStops(await (isFirst ? this.#seizeFrozen(fresh) : this.#seizeThreads(fresh)));
    }
    throw new Momentary('aborted', 'stop the container: it makes processes faster than they stop');
  }

  #untraced(pid: number): number[] {
    try {
      return listThreads(pid).filter((tid) => !this.#stops.has(tid) && !isDying(tid));
    } catch {
      return []; // Gone meanwhile.
    }
  }

  /**
   * Threads that job control has stopped do not answer a tracer before they are thawed, on cgroup v1. They
   * are left to the next round, since they do not run then. Should one of them not be known for what it
   * is, the thaw has to come while the tracer waits for it.
   */
  async #seizeFrozen(tids: readonly number[]): Promise<number[]> {
    const seized = this.#seizeThreads(tids.filter((tid) => !isStopped(tid)));
    await Promise.race([seized, delay(FROZEN_PATIENCE_MS, undefined, { ref: false })]);
    thaw(this.#cgroup);
    return seized;
  }

  async #seizeThreads(tids: readonly number[]): Promise<number[]> {
    const plain: number[] = [];
    const filtered: number[] = [];
    for (const tid of tids) (hasSeccomp(tid) ? filtered : plain).push(tid);
    const results = [
      ...(await this.tracer.seize(Int32Array.from(plain), OPTIONS)),
      ...(await this.tracer.seize(Int32Array.from(filtered), OPTIONS | SUSPEND_SECCOMP)),
    ];
    const pending: number[] = [];
    for (let i = 0; i < results.length; i += 2) {
      const [tid = 0, error = 0] = results.slice(i, i + 2);
      if (error === 0) pending.push(tid);
      else if (error !== -ESRCH && !isDying(tid)) throw cannotTrace(tid, error);
    }
    return pending;
  }

  async #waitStops(tids: readonly number[]): Promise<void> {
    let last = performance.now();
    for (let pending = tids; pending.length > 0;) {
      const late = await this.#waitSome(pending);
      const [first] = late;
      if (late.length < pending.length) last = performance.now();
      const isOver = performance.now() - last > STOP_TIMEOUT_MS;
      if (first !== undefined && isOver) throw notStopping(first);
      for (const tid of late) await this.#letChildrenGo(tid);
      pending = late;
    }
  }

  /** Waits for stops for a short while. Returns those that have not stopped. */
  async #waitSome(tids: readonly number[]): Promise<number[]> {
    const stops = await this.tracer.waitStops(Int32Array.from(tids), PATIENCE_MS);
    const late: number[] = [];
    for (let i = 0; i < stops.length; i += 2) {
      const [tid = 0, status = 0] = stops.slice(i, i + 2);
      if (status === -ETIMEDOUT && !isDying(tid)) late.push(tid);
      else if (status > 0 && (status & 0xff) === 0x7f) this.#stops.set(tid, status);
    }
    return late;
  }

  /**
   * A thread that called vfork stops only when its child has called exec or has exited: children that
   * stopped before may go on. The next round finds them again.
   */
  async #letChildrenGo(tid: number): Promise<void> {
    if (!waits(tid)) return;
    const { tgid } = readStatus(tid);
    const children = readChildren(tgid, tid).filter((pid) => this.#stops.has(pid));
    if (children.length > 0) await this.tracer.detach(Int32Array.from(children));
    for (const pid of children) this.#stops.delete(pid);
  }

  async #collect(): Promise<void> {
    const namespaces = new Namespaces(this.#initPid);
    // Zombies are found below, like those that the cgroup does not list any more.
    const alive = this.#pids()
      .map((pid) => readStatus(pid))
      .filter(isAlive);
    for (const { pid } of alive) namespaces.check(pid);
    this.processes.push(...(await forAll(alive, (status) => this.#collectProcess(status))));
    const living = new Set(this.processes.map(({ pid }) => pid));
    for (const { threads, pid } of this.processes) {
      for (const { tid } of threads) this.#collectZombies(readChildren(pid, tid), living);
    }
  }

  /** A cgroup forgets who has exited: a zombie is found as the child of its parent. */
  #collectZombies(children: readonly number[], living: ReadonlySet<number>): void {
    for (const pid of children) {
      if (living.has(pid)) continue;
      const status = readStatus(pid);
      if (status.state !== 'Z') throw elsewhere(pid, this.#cgroup);
      this.zombies.push({ pid: status.tgid, nsPid: containerPid(status), status });
    }
  }

  async #collectProcess(leaderStatus: ProcStatus): Promise<StoppedProcess> {
    const { tgid: pid, name } = leaderStatus;
    const nsPid = containerPid(leaderStatus);
    const tids = [...listThreads(pid)].sort((a, b) => Number(b === pid) - Number(a === pid));
    const states = await this.tracer.readThreads(Int32Array.from(tids));
    const process = processLabel(nsPid, name);
    const { lookAt } = this.standstill;
    const threads = tids.map((tid, index) => {
      const state = states[index];
      if (state?.error !== 0) {
        const why = errnoName(state?.error ?? ESRCH);
        throw new EndedMeanwhile('aborted', `read registers of ${labelOf(tid)}: ${why}`);
      }
      const status = tid === pid ? leaderStatus : readStatus(pid, tid);
      const nsTid = containerTid(status);
      const label = threadLabel(process, nsPid, nsTid);
      const ids = { pid, tid: status.pid, nsPid, nsTid, label, status, lookAt };
      return new StoppedThread(this.tracer, ids, state);
    });
    const [leader] = threads;
    if (!leader) throw new EndedMeanwhile('aborted', `${process} has no thread left`);
    const stop = ((this.#stops.get(pid) ?? 0) >> 8) & 0xff;
    const isGroupStop = (this.#stops.get(pid) ?? 0) >> 16 === PTRACE_EVENT_STOP && stop !== SIGTRAP;
    if (isGroupStop) this.jobStopped.set(nsPid, stop);
    return { pid, nsPid, label: process, leader, threads, lookAt };
  }
}

/** @throws Momentary for a process whose threads have outlived their first one */
function isAlive({ pid, state }: ProcStatus): boolean {
  if (state === 'Z' && !hasEnded(pid)) throw leaderGone(pid);
  return state !== 'Z';
}

function hasSeccomp(tid: number): boolean {
  try {
    return readSeccompMode(tid) !== 0;
  } catch {
    return false; // Gone: the seizure will say so.
  }
}

/** Whether a thread waits for something that no signal ends. */
function waits(tid: number): boolean {
  try {
    return readVitals(tid).state === 'D';
  } catch {
    return false;
  }
}

/**
 * Whether job control has stopped a thread. While it is frozen its state does not tell (since Linux 6.1),
 * but its "exit code" is the signal that has stopped it (since 5.19).
 */
function isStopped(tid: number): boolean {
  try {
    const { state, exitCode } = readVitals(tid);
    return state === 'T' || exitCode !== 0;
  } catch {
    return false; // Gone: the seizure will say so.
  }
}

function elsewhere(pid: number, { directory }: Cgroup): ShimError {
  const what = `is not in the cgroup of its container, ${directory}, which is not supported`;
  return new ShimError('failedPrecondition', `${labelOf(pid)}: ${what}; remedy: move it back`);
}

function leaderGone(pid: number): ShimError {
  const what = `${labelOf(pid)}: its first thread has exited while others live`;
  return new Momentary('failedPrecondition', `${what}, which is not supported; remedy: end it`);
}

function cannotTrace(tid: number, error: number): ShimError {
  const tracer = (() => {
    try {
      return readStatus(tid).tracerPid;
    } catch {
      return 0 as HostTid;
    }
  })();
  const what = labelOf(tid);
  if (error === -EPERM && tracer !== 0) {
    const remedy = 'remedy: detach the debugger';
    return new ShimError(
      'failedPrecondition',
      `${what}: is being traced by ${tracerLabel(tid, tracer)}, which is not supported; ${remedy}`,
    );
  }
  return new ShimError('permissionDenied', `trace ${what}: ${errnoName(error)}`);
}

function notStopping(tid: number): ShimError {
  const why = 'it may wait for a vfork child or for a device; remedy: try again later';
  return new Momentary('failedPrecondition', `${labelOf(tid)}: does not stop: ${why}`);
}
