// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';
import { asHostTid, type HostPid, type HostTid } from '../../common/ids.js';
import { isFrozen, pidsIn, thaw, type Cgroup } from '../../common/cgroup.js';
import { ShimError } from '../../common/errors.js';
import type { ExecMode } from '../constants.js';
import type { Tracer } from '../../native/index.js';
import { errnoName } from '../../native/sys.js';
import { listThreads, readChildren, readStatus, readVitals } from '../procfs/reader.js';
import { readSeccompModes } from '../procfs/many.js';
import { isWorker, type Vitals } from '../procfs/stat.js';
import { Momentary } from '../retry.js';
import { labelOf, tracerLabel } from './label.js';
import { isDying, isEnding } from './life-watch.js';
import { inTheWay, isEntering, originsOf } from './outsiders.js';
import { SUSPEND_SECCOMP } from './remote-calls.js';

/** PTRACE_O_*: TRACESYSGOOD, TRACEFORK, TRACEVFORK, TRACECLONE (linux/ptrace.h). */
const OPTIONS = 0x1 | 0x2 | 0x4 | 0x8;
/** How long to wait for stops while no thread stops. */
const STOP_TIMEOUT_MS = 1_000;
/** How long threads may take to stop before they are looked at. */
const PATIENCE_MS = 50;
/** How long it may take until tracing of a frozen container has started. */
const FROZEN_PATIENCE_MS = 1_000;
const MAX_ROUNDS = 100;
const EPERM = 1;
const ESRCH = 3;
const ETIMEDOUT = 110;
const PTRACE_EVENT_STOP = 128;
const SIGTRAP = 5;

/** What to know before processes are stopped, and whom to tell. */
export interface StopOptions {
  /** Names of processes that the caller has started in the container, by host pid. */
  readonly execs: () => ReadonlyMap<HostPid, string>;
  /** What to do with processes from outside. */
  readonly exec: ExecMode;
  /** Whether those in the way may run. Otherwise they are refused before anything is stopped. */
  readonly mayRun: boolean;
  /** Called before the first thread is stopped. */
  readonly beforeStop: () => void;
  /** Called before a frozen container is thawed. */
  readonly beforeThaw: () => void;
}

/** Where the processes of a container are. */
export interface Place {
  readonly cgroup: Cgroup | undefined;
  /** Without a cgroup: whether descendants of the init belong to it. */
  readonly hasFamily: boolean;
}

/** The threads of a container that a tracer holds, and how it stops them. */
export class Seizure {
  readonly initPid: HostPid;
  /** Where its processes are; undefined: nowhere of its own. */
  readonly cgroup: Cgroup | undefined;
  /** Whether the container was frozen when it was found. */
  readonly wasFrozen: boolean;
  readonly #hasFamily: boolean;
  readonly #tracer: Tracer;
  /** Wait status of each thread's stop, by host tid. */
  readonly #stops = new Map<HostTid, number>();
  /** Processes from outside that are to be held as well. */
  #execs: readonly HostPid[] = [];
  /** Whether other processes from outside are there. */
  #leavesSome = false;

  constructor(tracer: Tracer, initPid: HostPid, { cgroup, hasFamily }: Place) {
    this.#tracer = tracer;
    this.initPid = initPid;
    this.cgroup = cgroup;
    this.#hasFamily = hasFamily;
    this.wasFrozen = cgroup !== undefined && isFrozen(cgroup);
  }

  /** Host pids of the processes in the cgroup, and of the init, apart from those that are left out. */
  pids(): HostPid[] {
    const pids = this.all();
    return this.#leavesSome ? pids.filter((pid) => this.#stops.has(pid)) : pids;
  }

  /** The same, and those that are left out. */
  all(): HostPid[] {
    const family = this.#hasFamily ? familyOf(this.initPid) : [];
    const pids = this.cgroup ? pidsIn(this.cgroup) : family;
    return pids.includes(this.initPid) ? pids : [this.initPid, ...pids];
  }

  /** Those processes that came from outside and are held. */
  get execs(): readonly HostPid[] {
    return this.#execs;
  }

  /** Whether processes from outside go on. */
  get leavesSome(): boolean {
    return this.#leavesSome;
  }

  /** The signal by which job control had stopped a held process, given its host pid. */
  jobStop(pid: HostPid): number | undefined {
    const status = this.#stops.get(pid) ?? 0;
    const signal = (status >> 8) & 0xff;
    return status >> 16 === PTRACE_EVENT_STOP && signal !== SIGTRAP ? signal : undefined;
  }

  /** Lets go of all held threads. Those that have not been put back run from where they stand. */
  async letGo(): Promise<void> {
    const tids = Int32Array.from(this.#stops.keys());
    this.#stops.clear();
    if (tids.length > 0) await this.#tracer.detach(tids);
  }

  /** Stops all processes that are the container's own, and those from outside that are to be kept. */
  async stopOwn({ exec, execs, mayRun, beforeStop, beforeThaw }: StopOptions): Promise<void> {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const { vitals, own, outsiders } = originsOf(this.initPid, this.all());
      const { kept, inWay } = this.#sort(outsiders, exec);
      const fresh = [...own, ...kept].flatMap((pid) => this.#untraced(pid, vitals.get(pid)));
      const isDone = fresh.length === 0;
      if (inWay.length > 0 && (isDone || !mayRun)) throw inTheWay(inWay, execs());
      if (isDone) return;
      if (this.#stops.size === 0) beforeStop();
      const isFirst = round === 0 && this.wasFrozen;
      const seizing = isFirst ? this.#seizeFrozen(fresh, beforeThaw) : this.#seizeThreads(fresh);
      await this.#waitStops(await seizing);
    }
    throw new Momentary('aborted', 'stop the container: it makes processes faster than they stop');
  }

  /** Sorts processes from outside by whether they are to be held, or are in the way. */
  #sort(
    outsiders: readonly HostPid[],
    exec: ExecMode,
  ): { readonly kept: readonly HostPid[]; readonly inWay: readonly HostPid[] } {
    this.#leavesSome = exec === 'drop';
    if (exec === 'drop') return { kept: [], inWay: [] };
    if (exec === 'refuse') return { kept: [], inWay: outsiders };
    const inWay = outsiders.filter((pid) => !this.#stops.has(pid) && isEntering(pid, this.initPid));
    this.#execs = outsiders.filter((pid) => !inWay.includes(pid));
    return { kept: this.#execs, inWay };
  }

  #untraced(pid: HostPid, vitals: Vitals | undefined): HostTid[] {
    if (!vitals) return []; // It is gone.
    if (vitals.numThreads === 1) return this.#stops.has(pid) || isEnding(vitals) ? [] : [pid];
    try {
      return listThreads(pid).filter((tid) => !this.#stops.has(tid) && isHeld(tid));
    } catch {
      return []; // It is gone.
    }
  }

  /**
   * On cgroup v1, threads that job control has stopped do not answer a tracer before they are thawed. They are left
   * to the next round, since they do not run then. If one of them is not recognized, the thaw has to come while the
   * tracer waits for it.
   */
  async #seizeFrozen(tids: readonly HostTid[], beforeThaw: () => void): Promise<HostTid[]> {
    const seized = this.#seizeThreads(tids.filter((tid) => !isStopped(tid)));
    await Promise.race([seized, delay(FROZEN_PATIENCE_MS, undefined, { ref: false })]);
    beforeThaw();
    if (this.cgroup) thaw(this.cgroup);
    return seized;
  }

  async #seizeThreads(tids: readonly HostTid[]): Promise<HostTid[]> {
    const plain: HostTid[] = [];
    const filtered: HostTid[] = [];
    const modes = readSeccompModes(tids); // The seizure reports threads that are gone.
    for (const tid of tids) ((modes.get(tid) ?? 0) !== 0 ? filtered : plain).push(tid);
    const seizures = await Promise.all([
      this.#tracer.seize(Int32Array.from(plain), OPTIONS),
      this.#tracer.seize(Int32Array.from(filtered), OPTIONS | SUSPEND_SECCOMP),
    ]);
    const results = seizures.flatMap((pairs) => [...pairs]);
    const pending: HostTid[] = [];
    for (let i = 0; i < results.length; i += 2) {
      const [seized = 0, error = 0] = results.slice(i, i + 2);
      const tid = asHostTid(seized);
      if (error === 0) pending.push(tid);
      else if (error !== -ESRCH && !isDying(tid)) throw cannotTrace(tid, error);
    }
    return pending;
  }

  async #waitStops(tids: readonly HostTid[]): Promise<void> {
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

  /** Waits a short while for stops. Returns the threads that have not stopped. */
  async #waitSome(tids: readonly HostTid[]): Promise<HostTid[]> {
    const stops = await this.#tracer.waitStops(Int32Array.from(tids), PATIENCE_MS);
    const late: HostTid[] = [];
    for (let i = 0; i < stops.length; i += 2) {
      const [stopped = 0, status = 0] = stops.slice(i, i + 2);
      const tid = asHostTid(stopped);
      if (status === -ETIMEDOUT && !isDying(tid)) late.push(tid);
      else if (status > 0 && (status & 0xff) === 0x7f) this.#stops.set(tid, status);
    }
    return late;
  }

  /**
   * A thread that called vfork stops only when its child has called exec or has exited: children that have stopped
   * may go on. The next round finds them again.
   */
  async #letChildrenGo(tid: HostTid): Promise<void> {
    if (!waits(tid)) return;
    const { tgid } = readStatus(tid);
    const children = readChildren(tgid, tid).filter((pid) => this.#stops.has(pid));
    if (children.length > 0) await this.#tracer.detach(Int32Array.from(children));
    for (const pid of children) this.#stops.delete(pid);
  }
}

/** Whether a thread is to be held: it lives, and is not the kernel's. */
function isHeld(tid: HostTid): boolean {
  try {
    const vitals = readVitals(tid);
    return !isEnding(vitals) && !isWorker(vitals);
  } catch {
    return false; // Reaped.
  }
}

/** Whether a thread waits for something that no signal ends. */
function waits(tid: HostTid): boolean {
  try {
    return readVitals(tid).state === 'D';
  } catch {
    return false;
  }
}

/**
 * Whether job control has stopped a thread. While it is frozen, its state does not say so (since Linux 6.1), but
 * its "exit code" is the signal that has stopped it (since 5.19).
 */
function isStopped(tid: HostTid): boolean {
  try {
    const { state, exitCode } = readVitals(tid);
    return state === 'T' || exitCode !== 0;
  } catch {
    return false; // It is gone: the seizure will say so.
  }
}

function cannotTrace(tid: HostTid, error: number): ShimError {
  const tracer = (() => {
    try {
      return readStatus(tid).tracerPid;
    } catch {
      return asHostTid(0);
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

function notStopping(tid: HostTid): ShimError {
  const why = 'it may wait for a vfork child or for a device; remedy: try again later';
  return new Momentary('failedPrecondition', `${labelOf(tid)}: does not stop: ${why}`);
}

/** A process and its descendants. */
function familyOf(pid: HostPid): HostPid[] {
  return [pid, ...readChildren(pid).flatMap(familyOf)];
}
