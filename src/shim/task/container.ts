// SPDX-License-Identifier: Apache-2.0
import {
  cgroupOf,
  freeze,
  killAll,
  pidsIn,
  signalAll,
  thaw,
  type Cgroup,
} from '../../common/cgroup.js';
import type { PendingRestore } from '../../criu/index.js';
import { ShimError } from '../../common/errors.js';
import { logger } from '../../common/log.js';
import { Mutex } from '../../common/mutex.js';
import type { Bundle, Spec } from '../bundle.js';
import { taskEvent } from '../events/topics.js';
import type { StdioRequest, TaskIo } from '../io/task-io.js';
import { unmountAll } from '../mount/rootfs.js';
import { timestamp } from '../proto/types.js';
import type { Exit } from '../reaper.js';
import type { CheckpointPlan } from './checkpoint-options.js';
import { ExitGate } from './exits.js';
import { createInit, openIo, startExec, type InitFlags, type LaunchContext } from './launch.js';
import type { Surroundings } from './ports.js';
import { TaskProcess } from './process.js';
import { mountPlacesOf } from '../../common/mount-places.js';
import { tmpfsMountsOf } from '../../common/tmpfs-mounts.js';
import { hasOwnPidNamespace } from './spec.js';
import { withinGrace } from './grace.js';
import { next, type TaskState, type Verb } from './state.js';

const log = logger('task');

/** Output that was not read by then is lost; must stay below containerd's 10 s for an event. */
const DRAIN_MS = 2_000;
/** How long an aborted checkpoint may take to clean up before others get their turn. */
const ABORT_MS = 2_000;
/** How long a killed init may take to be gone. */
const EXIT_MS = 2_000;
const SIGKILL = 9;
/** Reported for a process that never ran: as if killed. */
const NEVER_RAN = 128 + SIGKILL;

/** What a container is made of. */
export interface ContainerParts extends LaunchContext {
  readonly spec: Spec;
  readonly initFlags: InitFlags;
  readonly surroundings: Surroundings;
  readonly stdio: StdioRequest;
  /** Image directory to restore from; empty for a fresh container. */
  readonly checkpoint: string;
}

/** The result of a Delete. */
export interface Deleted {
  readonly pid: number;
  readonly exit: Exit;
}

/**
 * One container: its init, its execs, and what may be done with them. State-changing verbs take turns;
 * whatever only reads (state, pids) and signals never wait.
 */
export class Container {
  readonly id: string;
  readonly bundle: Bundle;
  readonly init: TaskProcess;
  readonly #parts: ContainerParts;
  readonly #turns = new Mutex();
  readonly #gate = new ExitGate();
  readonly #execs = new Map<string, { readonly process: TaskProcess; readonly spec: string }>();
  #state: TaskState;
  #isPausing = false;
  #isStarting = false;
  #cgroup: Cgroup | undefined;
  #checkpointing: AbortController | undefined;
  #pending: PendingRestore | undefined;
  #deleting: Promise<Deleted> | undefined;

  constructor(parts: ContainerParts) {
    this.#parts = parts;
    this.id = parts.id;
    this.bundle = parts.bundle;
    this.init = new TaskProcess('', parts.stdio);
    this.#state = parts.checkpoint === '' ? 'created' : 'checkpointed';
  }

  get state(): TaskState | 'pausing' {
    return this.#isPausing ? 'pausing' : this.#state;
  }

  get checkpointPath(): string {
    return this.#parts.checkpoint;
  }

  /** Creates the container; of one that comes from a checkpoint nothing runs yet. */
  async create(): Promise<void> {
    if (this.#state === 'checkpointed') {
      this.#pending = await this.#beginRestore();
      return;
    }
    await createInit(this.#parts, this.init, this.#parts.initFlags);
    this.#cgroup = cgroupOf(this.init.pid);
  }

  /** Tells init's exit from now on. After the create event was published. */
  watch(): void {
    if (this.init.pid !== 0) this.#watchInit(this.#parts.exits.exitOf(this.init.pid));
  }

  /** A process by its exec id; init by the empty one. @throws ShimError `notFound` */
  process(execId: string): TaskProcess {
    if (execId === '') return this.init;
    const exec = this.#execs.get(execId)?.process;
    if (exec === undefined) {
      throw new ShimError('notFound', `process ${execId} of task ${this.id} not found`);
    }
    return exec;
  }

  /** Starts init; returns its pid. */
  start(signal: AbortSignal): Promise<number> {
    return this.#turns.run(async () => {
      const running = this.#next('start');
      const leave = this.#gate.enter(`task ${this.id}`);
      this.#isStarting = true;
      try {
        const restored = this.#state === 'checkpointed' ? await this.#restore(signal) : undefined;
        if (restored === undefined) await this.#parts.runc.start(this.id);
        this.#state = running;
        this.#publish(taskEvent.start({ containerId: this.id, pid: this.init.pid }));
        if (restored !== undefined) this.#watchInit(restored.exited);
      } finally {
        this.#isStarting = false;
        leave();
      }
      return this.init.pid;
    });
  }

  /** Registers a process to be started. @throws ShimError `alreadyExists` */
  addExec(execId: string, stdio: StdioRequest, spec: string): void {
    this.#next('exec');
    if (this.#execs.has(execId)) {
      throw new ShimError('alreadyExists', `process ${execId} of task ${this.id} already exists`);
    }
    this.#execs.set(execId, { process: new TaskProcess(execId, stdio), spec });
    this.#publish(taskEvent.execAdded({ containerId: this.id, execId }));
  }

  /** Starts a registered process; returns its pid. */
  startExec(execId: string): Promise<number> {
    return this.#turns.run(async () => {
      const child = this.process(execId);
      if (child.pid !== 0) {
        throw new ShimError('failedPrecondition', `process ${execId} was started before`);
      }
      this.#next('execStart');
      const leave = this.#gate.enter(`process ${execId}`);
      try {
        await startExec(this.#parts, child, this.#execs.get(execId)?.spec ?? '');
      } catch (error) {
        child.abandon({ status: 255, at: new Date() });
        leave();
        throw error;
      }
      const { pid } = child;
      this.#publish(taskEvent.execStarted({ containerId: this.id, execId, pid }));
      void this.#parts.exits.exitOf(pid).then((exit) => {
        this.#tellExit(child, exit);
        leave();
      });
      return pid;
    });
  }

  /** Signals a process, or all of the container. Never waits for a turn. */
  async kill(execId: string, signal: number, all: boolean): Promise<void> {
    const target = this.process(execId);
    if (this.#state === 'checkpointed') {
      this.#killUnstarted(signal);
      return;
    }
    if (signal === SIGKILL && execId === '') this.#checkpointing?.abort(killed(this.id));
    if (all && this.#cgroup !== undefined && this.init.exit === undefined) {
      await signalAll(this.#cgroup, signal);
    } else {
      target.kill(signal);
    }
    // A frozen v1 cgroup takes no signal, not even this one, before it is thawed.
    if (signal === SIGKILL && this.#state === 'paused' && this.#cgroup) thaw(this.#cgroup);
  }

  /**
   * Ends a task that has yet to be restored: whoever kills it waits for its exit before deleting it.
   *
   * @throws ShimError `failedPrecondition` for other signals, and while it is being restored
   */
  #killUnstarted(signal: number): void {
    if (signal !== SIGKILL || this.#isStarting) {
      throw new ShimError('failedPrecondition', `task ${this.id} does not run yet`);
    }
    this.#state = this.#next('exit');
    this.#tellExit(this.init, { status: NEVER_RAN, at: new Date() });
  }

  pause(): Promise<void> {
    return this.#turns.run(async () => {
      const paused = this.#next('pause');
      this.#isPausing = true;
      try {
        await freeze(this.#freezer());
        if (this.#state === 'running') this.#state = paused;
      } finally {
        this.#isPausing = false;
      }
      this.#publish(taskEvent.paused({ containerId: this.id }));
    });
  }

  resume(): Promise<void> {
    return this.#turns.run(() => {
      const running = this.#next('resume');
      thaw(this.#freezer());
      this.#state = running;
      this.#publish(taskEvent.resumed({ containerId: this.id }));
      return Promise.resolve();
    });
  }

  /** Checkpoints the container, leaving it as it is (running or paused) or killing it. */
  checkpoint(plan: CheckpointPlan, signal: AbortSignal): Promise<void> {
    return this.#turns.run(async () => {
      this.#next('checkpoint');
      const abort = new AbortController();
      this.#checkpointing = abort;
      try {
        const aborted = AbortSignal.any([signal, abort.signal]);
        const request = {
          containerId: this.id,
          initPid: this.init.pid,
          imagePath: plan.imagePath,
          leaveRunning: plan.leaveRunning,
          tmpfsMounts: tmpfsMountsOf(this.#parts.spec),
          mountPlaces: mountPlacesOf(this.#parts.spec),
          signal: aborted,
        };
        const work = this.#parts.surroundings.engine.checkpoint(request);
        const result = await withinGrace(work, aborted, ABORT_MS);
        const { vasId: vas, frozenMs, bytes } = result;
        log.info('checkpointed', { task: this.id, vas, frozenMs, bytes, ...result.timingsMs });
      } finally {
        this.#checkpointing = undefined;
      }
      const { imagePath: checkpoint } = plan;
      this.#publish(taskEvent.checkpointed({ containerId: this.id, checkpoint }));
      if (!plan.leaveRunning) await this.#finishOff();
    });
  }

  /** Changes limits: `resources` is the JSON of a LinuxResources. */
  update(resources: string): Promise<void> {
    return this.#turns.run(async () => {
      this.#next('update');
      await this.#parts.runc.update(this.id, resources);
    });
  }

  /** All pids of the container, at least init's while it runs; with the exec ids of those we started. */
  pids(): { readonly pid: number; readonly execId: string }[] {
    const { pid: init } = this.init;
    if (init === 0) return [];
    const listed = this.#cgroup === undefined ? [] : pidsIn(this.#cgroup);
    const execIds = new Map(
      [...this.#execs.values()].map(({ process: exec }) => [exec.pid, exec.execId]),
    );
    const pids = listed.length === 0 && this.init.exit === undefined ? [init] : listed;
    return pids.map((pid) => ({ pid, execId: execIds.get(pid) ?? '' }));
  }

  /** Removes a finished process, or one that was never started. */
  async deleteExec(execId: string): Promise<Deleted> {
    const child = this.process(execId);
    if (child.pid !== 0 && child.exit === undefined) {
      throw new ShimError('failedPrecondition', `process ${execId} of task ${this.id} is running`);
    }
    await child.io?.drain(DRAIN_MS);
    child.io?.close();
    this.#execs.delete(execId);
    return { pid: child.pid, exit: child.exit ?? { status: 0, at: new Date() } };
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
      await this.init.io?.drain(DRAIN_MS);
      await this.#pending?.abandon();
      await this.#parts.runc.delete(this.id);
      await this.#awaitExit();
      this.#closeIo();
      unmountAll(this.bundle.rootfs);
      const exit = this.init.exit ?? { status: NEVER_RAN, at: new Date() };
      this.init.abandon(exit);
      this.#state = deleted;
      const { pid } = this.init;
      const exitedAt = timestamp(exit.at);
      const event = { containerId: this.id, pid, exitStatus: exit.status, exitedAt };
      this.#publish(taskEvent.delete(event));
      return { pid, exit };
    });
  }

  /** While containerd is about to start it, its surroundings are being made. */
  #beginRestore(): Promise<PendingRestore> {
    const { runc, surroundings, checkpoint, initFlags } = this.#parts;
    return surroundings.engine.beginRestore({
      containerId: this.id,
      bundle: this.bundle.path,
      imagePath: checkpoint,
      runc: {
        create: (donor) => runc.create({ ...donor, ...initFlags }, [null, null, null]),
        delete: (id) => runc.delete(id),
      },
      runcRoot: runc.settings.root,
    });
  }

  /** Runs the container from its checkpoint. Resolves, once it runs, with the promise of its exit. */
  async #restore(signal: AbortSignal): Promise<{ readonly exited: Promise<Exit> }> {
    const pending = this.#pending ?? (await this.#beginRestore());
    this.#pending = undefined;
    const io = await this.#openIo(pending);
    try {
      const restored = await pending.finish({ stdio: io.stdio, signal });
      await io.launched();
      this.init.pid = restored.pid;
      this.init.io = io;
      this.bundle.write(this.bundle.initPid, String(restored.pid));
      this.#cgroup = cgroupOf(restored.pid);
      log.info('restored', { task: this.id, vas: restored.vasId, ...restored.timingsMs });
      return { exited: restored.exited };
    } catch (error) {
      io.close();
      throw error;
    }
  }

  async #openIo(pending: PendingRestore): Promise<TaskIo> {
    try {
      return await openIo(this.init.stdio, this.#parts.owner);
    } catch (error) {
      await pending.abandon();
      throw error;
    }
  }

  #watchInit(exited: Promise<Exit>): void {
    void exited.then((exit) => this.#initExited(exit));
  }

  async #initExited(exit: Exit): Promise<void> {
    this.#checkpointing?.abort(new ShimError('aborted', `task ${this.id} exited meanwhile`));
    const emptied = this.#gate.close();
    const mustKill = !hasOwnPidNamespace(this.#parts.spec);
    if (this.#cgroup !== undefined && (mustKill || this.#state === 'paused')) {
      await killAll(this.#cgroup);
    }
    await emptied;
    // A deletion that did not wait any longer for a slow death has the last word.
    if (this.#state !== 'deleted') this.#state = this.#next('exit');
    this.#tellExit(this.init, exit);
  }

  #tellExit(child: TaskProcess, exit: Exit): void {
    child.finish(exit);
    this.#publish(
      taskEvent.exit({
        containerId: this.id,
        id: child.execId === '' ? this.id : child.execId,
        pid: child.pid,
        exitStatus: exit.status,
        exitedAt: timestamp(exit.at),
      }),
    );
  }

  /** After a checkpoint that ends the container: sees to it that nothing of it survives. */
  async #finishOff(): Promise<void> {
    if (this.#cgroup !== undefined) await killAll(this.#cgroup);
    await this.#awaitExit();
  }

  /** Waits for init's exit to be told, for a short time: a killed process may take a moment. */
  async #awaitExit(): Promise<void> {
    if (this.init.pid === 0 || this.init.exit !== undefined) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, EXIT_MS)));
    await Promise.race([this.init.exited, late]);
    clearTimeout(timer);
  }

  #closeIo(): void {
    this.init.io?.close();
    for (const { process: exec } of this.#execs.values()) exec.io?.close();
  }

  #freezer(): Cgroup {
    if (this.#cgroup !== undefined) return this.#cgroup;
    throw new ShimError('failedPrecondition', `task ${this.id} has no cgroup to freeze`);
  }

  #next(verb: Verb): TaskState {
    return next(this.#state, verb, this.id);
  }

  #publish(event: ReturnType<(typeof taskEvent)['start']>): void {
    this.#parts.surroundings.publish(event);
  }
}

function killed(id: string): ShimError {
  return new ShimError('aborted', `task ${id} was killed during its checkpoint`);
}
