// SPDX-License-Identifier: Apache-2.0
import type { HostPid, HostTid, NsPid } from '../../common/ids.js';
import { freeze, type Cgroup } from '../../common/cgroup.js';
import { forAll } from '../../common/for-all.js';
import type { ExecMode } from '../constants.js';
import { logger } from '../../common/log.js';
import { Tracer } from '../../native/index.js';
import { SYS } from '../../native/sys.js';
import { instructionPointer } from '../arch/index.js';
import { killPoint } from '../faults.js';
import type { Vma } from '../procfs/maps.js';
import { momentaryIfGone, retrying, type Patience } from '../retry.js';
import { isDoomed } from './life-watch.js';
import { OutsiderInTheWay } from './outsiders.js';
import { findLeftovers } from './leftovers.js';
import { injectPages } from './move-in.js';
import { Seizure } from './seizure.js';
import { Haste } from './haste.js';
import { Standstill } from './standstill.js';
import {
  collectStopped,
  readLeaders,
  type NamedProcess,
  type StoppedProcess,
  type Zombie,
} from './stopped-processes.js';
import type { StoppedThread } from './stopped-thread.js';
import { syscallInstruction, type SyscallPage } from './syscall-page.js';
import { Thawed } from './thawed.js';
import { reapingOf } from './twins.js';

const log = logger('session');

/** What a process maps, by its host pid. */
type AreasOf = (pid: HostPid) => readonly Vma[];

/** What a seizure needs besides the container. */
export interface SeizeOptions {
  /** Names, by host pid, of processes that the caller has started in it. */
  readonly execs?: (() => ReadonlyMap<HostPid, string>) | undefined;
  /** What to do with processes from outside; by default they are in the way. */
  readonly exec?: ExecMode | undefined;
  /** How long to wait for processes from outside while only they can run. */
  readonly patience: Patience;
  /** Called before the first thread is stopped. */
  readonly beforeStop?: () => void;
  /** Called each time before a container that somebody has frozen is thawed. All of it stands still then. */
  readonly beforeThaw?: () => void;
  /** Without a cgroup: whether the descendants of the process belong to it. */
  readonly hasFamily?: boolean;
}

/**
 * A container under our trace: every thread of every process is stopped, until {@link Session.letGo}. The tracer
 * lives until {@link Session.close}, for other tasks that it holds. Closing the session, or the death of this
 * process, lets all of them go on.
 */
export class Session {
  readonly #haste = new Haste(); // Before the tracer, which is in haste as well.
  readonly tracer = new Tracer();
  readonly processes: StoppedProcess[] = [];
  readonly zombies: Zombie[] = [];
  readonly #deadTwins: Zombie[] = [];
  /** Container pids of processes that job control had stopped, with the signal that did it. */
  readonly jobStopped = new Map<NsPid, number>();
  readonly standstill: Standstill;
  readonly #seizure: Seizure;
  readonly #pages: SyscallPage[] = [];
  #thawed: Thawed | undefined;
  #holdsTasks = true;

  private constructor(initPid: HostPid, cgroup: Cgroup | undefined, hasFamily: boolean) {
    this.#seizure = new Seizure(this.tracer, initPid, { cgroup, hasFamily });
    this.#haste.begin();
    this.standstill = new Standstill(this.tracer, initPid);
  }

  /**
   * Stops a container, or a process that has no cgroup of its own. On failure everything runs (or is frozen) as before.
   *
   * Processes from outside are in the way unless they are to be kept or left out; those that are about to enter
   * always are if others are to be kept. In a container that was frozen, they run until they are no longer in the way,
   * within the limit of `patience`, while all of its own processes stand still.
   *
   * @throws Momentary if another try may succeed, ShimError `failedPrecondition` for a process that cannot be
   * traced, AbortError
   */
  static async seize(
    initPid: HostPid,
    cgroup: Cgroup | undefined,
    options: SeizeOptions,
  ): Promise<Session> {
    return Session.#stop(initPid, cgroup, options, (session) => session.#collect());
  }

  /** The same for a moment: nothing is known of what it stops but its pids. */
  static async hold(initPid: HostPid, cgroup: Cgroup, options: SeizeOptions): Promise<Session> {
    return Session.#stop(initPid, cgroup, options, () => Promise.resolve());
  }

  static async #stop(
    initPid: HostPid,
    cgroup: Cgroup | undefined,
    options: SeizeOptions,
    collect: (session: Session) => Promise<void>,
  ): Promise<Session> {
    const session = new Session(initPid, cgroup, options.hasFamily === true);
    const seizure = session.#seizure;
    const { execs = () => new Map(), exec = 'refuse', patience } = options;
    const { beforeStop = nothing, beforeThaw = nothing } = options;
    const limitMs = seizure.wasFrozen ? patience.limitMs : 0;
    const how = { execs, exec, mayRun: limitMs > 0, beforeStop, beforeThaw };
    const seize = () => seizure.stopOwn(how);
    try {
      await retrying({ ...patience, limitMs }, seize, OutsiderInTheWay);
      if (cgroup) session.#thawed = new Thawed(cgroup, beforeThaw);
      await collect(session);
      return session;
    } catch (error) {
      await session.close();
      throw session.standstill.reason ?? momentaryIfGone(error);
    }
  }

  /** Host pids of the processes from outside that it stops. */
  get execs(): readonly HostPid[] {
    return this.#seizure.execs;
  }

  /** Whether its client has paused the container. */
  get isPaused(): boolean {
    return this.#seizure.wasFrozen || this.#thawed?.wasFrozen === true;
  }

  /** Host pids of the processes that it stops. */
  pids(): HostPid[] {
    return this.#seizure.pids();
  }

  /**
   * First threads of processes that are held for a moment.
   *
   * @throws Momentary for one that has ended
   */
  async leaders(processes: readonly NamedProcess[]): Promise<StoppedThread[]> {
    return readLeaders(processes, this.tracer);
  }

  /** Registers, by host tid, that threads resume with instead of those they stopped with. */
  resume: ReadonlyMap<HostTid, Uint8Array> = new Map();

  /** Lets threads resume with other registers than those they stopped with. */
  resumeWith(registers: ReadonlyMap<HostTid, Uint8Array>): void {
    this.resume = registers;
    for (const thread of this.#threads()) {
      thread.resume = registers.get(thread.tid) ?? thread.resume;
    }
  }

  /**
   * Removes the memory that a killed checkpoint has left in processes, and its twins. Must come before anything is read that this
   * would change. Returns false if there was no memory.
   *
   * @param areasOf what each maps, by host pid
   */
  async removeLeftovers(areasOf: AreasOf): Promise<boolean> {
    let hasRemoved = false;
    for (const { pid, nsPid, label, leader, threads } of this.processes) {
      const twins = this.#deadTwins.filter(({ status }) => status.ppid === pid).map(reapingOf);
      if (twins.length > 0) {
        await leader.exposedRemote(syscallInstruction({ pid, label }, areasOf(pid)), twins);
      }
      const instructions = threads.map(({ registers }) => instructionPointer(registers));
      const areas = areasOf(pid);
      for (const { start, size } of findLeftovers(pid, areas, instructions)) {
        const call = { nr: SYS.munmap, args: [start, size] };
        await leader.exposedRemote(syscallInstruction({ pid, label }, areas), [call]);
        log.info('memory of a killed checkpoint has been removed', { pid: nsPid, start, size });
        hasRemoved = true;
      }
    }
    return hasRemoved;
  }

  /** Prepares all processes for remote calls. `areasOf`: what each of them maps, by host pid. */
  async prepare(areasOf: AreasOf): Promise<void> {
    const all = this.processes.map(({ pid, threads }) => ({ threads, areas: areasOf(pid) }));
    await injectPages(this.tracer, all, (page) => {
      this.#pages.push(page);
      killPoint('inject');
    });
  }

  /**
   * Restores every register, removes our pages and lets all threads go, frozen if they were; the tracer stays. A
   * second call does nothing, since the container is no longer ours then. Never throws: a thread that cannot be put
   * back has died.
   */
  async letGo(): Promise<void> {
    const { frozen } = await this.#letGo();
    await frozen;
  }

  /**
   * SIGKILLs every process, PID 1 first: then the kernel ends its namespace even if we die on the way. None of them
   * is frozen: whatever was has been thawed to be seized. Nobody can reap them before {@link close}.
   */
  kill(): void {
    this.#holdsTasks = false;
    this.standstill.end();
    this.#haste.end();
    for (const pid of [this.#seizure.initPid, ...this.#seizure.all()]) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It is already gone.
      }
    }
  }

  /** Ends the tracer. Threads that are still held are let go first, as by {@link letGo}. Never throws. */
  async close(): Promise<void> {
    const { frozen } = await this.#letGo();
    this.#haste.end();
    this.tracer.close(); // Nothing else frees a thread that has not stopped, and only then can it be frozen.
    await frozen;
  }

  /** Lets the tasks go. `frozen`: settles when they are frozen as before. */
  async #letGo(): Promise<{ readonly frozen?: Promise<void> }> {
    if (!this.#holdsTasks) return {};
    this.#holdsTasks = false;
    this.standstill.end();
    await forAll(this.#pages.splice(0), async (page) => {
      await page.remove();
      killPoint('leave');
    });
    await forAll(this.#threads(), (thread) => thread.putBack());
    this.#thawed?.end();
    // Requested before the threads are let go, so that none of them runs; done when they have been.
    const { initPid, cgroup } = this.#seizure;
    const isEnding = (): boolean => isDoomed(initPid); // Nothing frozen can do that.
    const frozen =
      this.isPaused && cgroup && !isEnding() ? freeze(cgroup, isEnding) : Promise.resolve();
    await this.#seizure.letGo();
    this.#haste.end();
    return { frozen: frozen.catch(notFrozen) };
  }

  #threads(): StoppedThread[] {
    return this.processes.flatMap(({ threads }) => threads);
  }

  async #collect(): Promise<void> {
    const { lookAt } = this.standstill;
    const { processes, zombies, deadTwins } = await collectStopped(this.#seizure, {
      tracer: this.tracer,
      lookAt,
    });
    this.processes.push(...processes);
    this.zombies.push(...zombies);
    this.#deadTwins.push(...deadTwins);
    for (const { pid, nsPid } of processes) {
      const signal = this.#seizure.jobStop(pid);
      if (signal !== undefined) this.jobStopped.set(nsPid, signal);
    }
  }
}

function nothing(): void {
  // Nobody wants to know.
}

function notFrozen(error: unknown): void {
  log.error('the container could not be frozen again', { error: String(error) });
}
