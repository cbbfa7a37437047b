// SPDX-License-Identifier: Apache-2.0
import type { HostPid } from '../../common/ids.js';
import { killAll } from '../../common/cgroup.js';
import { ShimError } from '../../common/errors.js';
import type { InTurn } from '../../criu/index.js';
import type { Bundle } from '../bundle.js';
import type { StdioRequest, TaskIo } from '../io/task-io.js';
import { unmountAll } from '../mount/rootfs.js';
import type { AnyValue } from '../proto/values.js';
import type { Exit } from '../reaper.js';
import { Announcements } from './announcements.js';
import type { CheckpointPlan } from './checkpoint-options.js';
import type { CheckpointPolicy } from './checkpoint-policy.js';
import { Checkpoints, type CheckpointParts } from './checkpoints.js';
import type { Look } from './port-wait.js';
import { Control } from './control.js';
import { DRAIN_MS, Execs, NEVER_RAN, type Deleted } from './execs.js';
import { ExitGate } from './exits.js';
import { InitStart, type InitParts } from './init-start.js';
import { endCompany } from './last-exit.js';
import { openIo, startExec, type ExecLaunch } from './launch.js';
import { TaskProcess } from './process.js';
import { Resources } from './resources.js';
import { Rollback, type RollbackTarget, type RolledBack } from './rollback.js';
import { hasOwnPidNamespace } from './spec.js';
import { next, type TaskState, type Verb } from './state.js';
import { Turns } from './turns.js';

/** How long a killed init may take to end. */
const EXIT_MS = 2_000;
/** The same for one that was checkpointed: the kernel frees some GiB of memory in a second. */
const FREE_MS = 30_000;
const SIGKILL = 9;

/** What a container is created from. */
export interface ContainerParts extends InitParts, CheckpointParts {
  readonly stdio: StdioRequest;
}

/**
 * One container: its init, its execs, and what can be done with them. State-changing verbs take turns; signals and
 * everything that only reads (state, pids) never wait.
 */
export class Container {
  readonly id: string;
  readonly bundle: Bundle;
  readonly init: TaskProcess;
  readonly #parts: ContainerParts;
  readonly #start: InitStart;
  readonly #control: Control;
  readonly #turns = new Turns();
  readonly #gate = new ExitGate();
  readonly #checkpoints = new Checkpoints();
  readonly #execs: Execs;
  readonly #tell: Announcements;
  #state: TaskState;
  #isPausing = false;
  #resources: Resources | undefined;
  #rollback: Rollback | undefined;
  #deleting: Promise<Deleted> | undefined;

  constructor(parts: ContainerParts) {
    this.#parts = parts;
    this.id = parts.id;
    this.bundle = parts.bundle;
    this.init = new TaskProcess('', parts.stdio);
    this.#start = new InitStart(parts, this.init);
    this.#execs = new Execs(parts.id);
    this.#tell = new Announcements(parts.id, (event) => {
      parts.surroundings.publish(event);
    });
    this.#control = new Control({
      id: parts.id,
      runc: parts.runc,
      init: this.init,
      freezer: () => this.#resources?.freezer,
      state: () => this.state,
    });
    this.#state = parts.checkpoint === '' ? 'created' : 'checkpointed';
  }

  get state(): TaskState | 'pausing' {
    return this.#isPausing ? 'pausing' : this.#state;
  }

  /** What it says about its checkpoints. */
  get policy(): CheckpointPolicy {
    return this.#parts.policy;
  }

  /** Creates the container; of one that comes from a checkpoint nothing runs yet. */
  async create(signal: AbortSignal): Promise<void> {
    await this.#start.create(signal);
    if (this.#state === 'created') this.#findResources();
  }

  /** Reports init's exit from now on. Called after the create event was published. */
  watch(): void {
    if (this.init.pid !== 0) this.#watchInit(this.#parts.exits.exitOf(this.init.pid));
  }

  /** A process by its exec id; init by the empty one. @throws ShimError `notFound` */
  process(execId: string): TaskProcess {
    return execId === '' ? this.init : this.#execs.get(execId);
  }

  /** Starts init; returns its pid. */
  start(signal: AbortSignal): Promise<HostPid> {
    return this.#turns.run(async () => {
      const running = this.#next('start');
      const leave = this.#gate.enter(`task ${this.id}`, 'unknown');
      try {
        await this.#start.attempt(signal, async (either) => {
          const restored = this.#state === 'checkpointed' ? await this.#restore(either) : undefined;
          if (restored === undefined) await this.#parts.runc.start(this.id);
          this.#state = running;
          this.#tell.started(this.init.pid);
          if (restored !== undefined) this.#watchInit(restored.exited);
          this.#parts.own?.started(() => this.#look());
        });
      } finally {
        leave();
      }
      return this.init.pid;
    });
  }

  /** Registers a process to be started. @throws ShimError `alreadyExists` */
  addExec(execId: string, stdio: StdioRequest, spec: string): void {
    this.#next('exec');
    this.#execs.add(execId, stdio, spec);
    this.#tell.execAdded(execId);
  }

  /**
   * Starts a registered process; returns its pid. Its streams are opened before its turn, so that others do not
   * wait for their readers.
   *
   * @param signal aborts the start, whatever runc does
   */
  startExec(execId: string, signal: AbortSignal): Promise<HostPid> {
    return this.#execs.starting(execId, signal, async (start) => {
      this.#next('execStart');
      const child = this.process(execId);
      const spec = this.#execs.specOf(execId);
      let io: TaskIo | undefined;
      try {
        io = await openIo(child.stdio, this.#parts.owner, start.signal);
        const launch = { child, io, spec, signal: start.signal };
        await this.#turns.start(async () => {
          start.commit();
          await this.#launchExec(launch);
        });
      } catch (error) {
        io?.close();
        child.abandon({ status: 255, at: new Date() });
        throw error;
      }
      return child.pid;
    });
  }

  async #launchExec(launch: ExecLaunch): Promise<void> {
    this.#next('execStart');
    const { child } = launch;
    const { execId } = child;
    const leave = this.#gate.enter(`process ${execId}`);
    try {
      await startExec(this.#parts, launch);
    } catch (error) {
      leave();
      throw error;
    }
    this.#tell.execStarted(child);
    void this.#parts.exits.exitOf(child.pid).then(async (exit) => {
      await child.end();
      this.#tellExit(child, exit);
      leave();
    });
  }

  /** Signals a process, or all of the container. Never waits for a turn, except for a start by runc. */
  async kill(execId: string, signal: number, all: boolean): Promise<void> {
    this.process(execId); // It has to exist.
    if (this.#state === 'checkpointed') {
      await this.#killUnstarted(signal);
      return;
    }
    if (signal === SIGKILL && execId === '') this.#abortWork();
    await this.#rollback?.replaced;
    // An exec has no more to signal than itself.
    if (execId !== '') await this.#execs.kill(execId, signal);
    else await this.#control.kill(signal, all);
  }

  /**
   * Ends a task that has not been restored yet, or is being restored: clients wait for the exit of what they kill
   * before they delete it.
   *
   * @throws ShimError `failedPrecondition` for other signals
   */
  async #killUnstarted(signal: number): Promise<void> {
    if (signal !== SIGKILL) {
      throw new ShimError('failedPrecondition', `task ${this.id} is not running yet`);
    }
    await this.#start.abort(ended(this.id));
    if (this.#state !== 'checkpointed') {
      await this.#control.kill(signal, false); // It was too late for that: it runs.
      return;
    }
    this.#state = this.#next('exit');
    // Clients wait for the end of its streams before they delete it; a deletion tells what could not be removed.
    await this.#start.abandon().catch(() => undefined);
    this.#tellExit(this.init, { status: NEVER_RAN, at: new Date() });
  }

  pause(): Promise<void> {
    return this.#turns.run(async () => {
      const paused = this.#next('pause');
      this.#isPausing = true;
      this.#checkpoints.expect(this.#parts);
      try {
        await this.#control.pause();
        if (this.#state === 'running') this.#state = paused;
      } finally {
        this.#isPausing = false;
      }
      this.#tell.paused();
    });
  }

  resume(): Promise<void> {
    return this.#turns.run(async () => {
      const running = this.#next('resume');
      void this.#checkpoints.expectNone();
      await this.#control.resume();
      if (this.#state === 'paused') this.#state = running;
      this.#tell.resumed();
    });
  }

  /** Checkpoints the container, leaving it as it is (running or paused) or killing it. */
  checkpoint(plan: CheckpointPlan, signal: AbortSignal): Promise<void> {
    return this.#turns.run(async () => {
      this.#next('checkpoint');
      const { pid: initPid } = this.init;
      const execs = () => this.#execs.byPid();
      const inTurn: InTurn = (work) => this.#turns.run(work);
      await this.#checkpoints.make(this.#parts, { plan, initPid, execs, signal, inTurn });
      this.#tell.checkpointed(plan.imagePath);
      if (!plan.leaveRunning) await this.#finishOff();
    });
  }

  /**
   * Puts the container back to a snapshot, in place. Neither its task nor those who wait for it hear of an end.
   *
   * @throws ShimError `failedPrecondition` during a checkpoint or another rollback
   */
  async rollback(target: RollbackTarget, signal: AbortSignal): Promise<RolledBack> {
    if (this.#rollback || this.#checkpoints.isUnderWay) throw isBusy(this.id);
    const { engine } = this.#parts.surroundings;
    const rollback = new Rollback({ ...this.#parts, engine, init: this.init }, target);
    this.#rollback = rollback;
    try {
      return await this.#turns.run(async () => {
        this.#next('rollback');
        this.#checkpoints.endSeries('the container is rolled back');
        const { exited, ...result } = await rollback.run(signal);
        this.#watchInit(exited);
        return result;
      });
    } catch (error) {
      if (rollback.ended) void this.#initExited(rollback.ended);
      throw error;
    } finally {
      rollback.settle();
      this.#rollback = undefined;
    }
  }

  /** Changes limits: `resources` is the JSON of a LinuxResources. */
  update(resources: string): Promise<void> {
    return this.#turns.run(async () => {
      this.#next('update');
      await this.#parts.runc.update(this.id, resources);
    });
  }

  /** All pids of the container, at least init's while it runs; with the exec ids of those that we started. */
  pids(): { readonly pid: HostPid; readonly execId: string }[] {
    const { pid: init } = this.init;
    if (init === 0) return [];
    const listed = this.#resources?.pids() ?? [];
    const execIds = this.#execs.byPid();
    const pids = listed.length === 0 && this.init.exit === undefined ? [init] : listed;
    return pids.map((pid) => ({ pid, execId: execIds.get(pid) ?? '' }));
  }

  /** The container's current usage. @throws ShimError `notFound` while it has no cgroup */
  metrics(): AnyValue {
    if (this.#resources === undefined) {
      throw new ShimError('notFound', `task ${this.id} has no cgroup yet`);
    }
    return this.#resources.metrics(this.id);
  }

  /** Removes a finished process, or one that was never started. */
  deleteExec(execId: string): Promise<Deleted> {
    return this.#execs.remove(execId);
  }

  /** Whether a deletion is in progress, or has succeeded. */
  get isBeingDeleted(): boolean {
    return this.#deleting !== undefined;
  }

  /** Deletes the container and what is left of it. Repeated calls share one deletion. */
  delete(): Promise<Deleted> {
    this.#deleting ??= this.#delete().catch((error: unknown) => {
      this.#deleting = undefined;
      throw error;
    });
    return this.#deleting;
  }

  #delete(): Promise<Deleted> {
    return this.#turns.run(async () => {
      const deleted = this.#next('delete');
      this.#parts.own?.stop();
      // A process that was never started has written nothing, and still holds the streams.
      if (this.init.exit !== undefined) await this.init.io?.drain(DRAIN_MS);
      await this.#start.abandon();
      await this.#checkpoints.expectNone();
      await this.#parts.runc.delete(this.id);
      await this.init.exitsWithin(EXIT_MS);
      this.#close();
      unmountAll(this.bundle.rootfs);
      const exit = this.init.exit ?? { status: NEVER_RAN, at: new Date() };
      this.init.abandon(exit);
      this.#state = deleted;
      const { pid } = this.init;
      this.#tell.deleted(pid, exit);
      return { pid, exit };
    });
  }

  /** Restores init, as {@link InitStart.restore} does. */
  async #restore(signal: AbortSignal): Promise<{ readonly exited: Promise<Exit> } | undefined> {
    const restored = await this.#start.restore(signal);
    this.#findResources();
    if (restored) return restored;
    this.#state = 'created';
    this.watch();
    return undefined;
  }

  #look(): Look {
    return { initPid: this.init.pid, pids: this.pids().map(({ pid }) => pid) };
  }

  #findResources(): void {
    this.#resources = new Resources(this.init.pid, () => {
      this.#tell.outOfMemory();
    });
  }

  #watchInit(exited: Promise<Exit>): void {
    void exited.then((exit) => {
      if (this.#rollback?.expects(exit) !== true) void this.#initExited(exit);
    });
  }

  #abortWork(): void {
    this.#checkpoints.abort(ended(this.id));
    this.#rollback?.abort(ended(this.id));
  }

  async #initExited(exit: Exit): Promise<void> {
    this.#parts.own?.stop();
    this.#abortWork();
    void this.#checkpoints.expectNone();
    this.#checkpoints.endSeries('the container has ended');
    await endCompany({
      ...{ id: this.id, init: this.init, execs: this.#execs, gate: this.#gate },
      ...{ runc: this.#parts.runc, killRest: () => this.#killRest() },
    });
    // A deletion that did not wait for a slow death has the last word.
    if (this.#state !== 'deleted') this.#state = this.#next('exit');
    this.#tellExit(this.init, exit);
  }

  /** Once init has exited: kills what the kernel does not. */
  async #killRest(): Promise<void> {
    const mustKill = !hasOwnPidNamespace(this.#parts.spec);
    const cgroup = this.#resources?.freezer;
    if (cgroup !== undefined && (mustKill || this.#state === 'paused')) await killAll(cgroup);
  }

  #tellExit(child: TaskProcess, exit: Exit): void {
    this.#resources?.checkOom();
    child.finish(exit);
    this.#tell.exited(child, exit);
  }

  /** After a checkpoint that ends the container: ensures that nothing of it survives. */
  async #finishOff(): Promise<void> {
    const cgroup = this.#resources?.freezer;
    if (cgroup !== undefined) await killAll(cgroup);
    await this.init.exitsWithin(FREE_MS);
  }

  #close(): void {
    this.init.io?.close();
    this.#execs.close();
    this.#resources?.close();
  }

  #next(verb: Verb): TaskState {
    return next(this.#state, verb, this.id);
  }
}

function ended(id: string): ShimError {
  return new ShimError('aborted', `task ${id} was killed or has exited meanwhile`);
}

function isBusy(id: string): ShimError {
  const why = 'it is being checkpointed or rolled back; remedy: try again when that has ended';
  return new ShimError('failedPrecondition', `roll back ${id}: ${why}`);
}
