// SPDX-License-Identifier: Apache-2.0
import type { HostPid } from '../../common/ids.js';
import { ShimError } from '../../common/errors.js';
import type { StdioRequest } from '../io/task-io.js';
import type { Exit } from '../reaper.js';
import { ExecStart } from './exec-start.js';
import { TaskProcess } from './process.js';

/** Output that has not been read by then is lost; must stay below containerd's 10 s for an event. */
export const DRAIN_MS = 2_000;
/** Reported for a process that never ran, as if it had been killed. */
export const NEVER_RAN = 128 + 9;

const SIGKILL = 9;

/** The result of a Delete. */
export interface Deleted {
  readonly pid: HostPid;
  /** Undefined for a process that never ran. */
  readonly exit: Exit | undefined;
}

interface Entry {
  readonly process: TaskProcess;
  readonly spec: string;
  /** While it is being started. */
  start?: ExecStart | undefined;
}

/** The processes that were added to a container, by exec id, each until it is removed. */
export class Execs {
  readonly #taskId: string;
  readonly #execs = new Map<string, Entry>();

  constructor(taskId: string) {
    this.#taskId = taskId;
  }

  /** Registers a process; `spec` is its process spec. @throws ShimError `alreadyExists` */
  add(execId: string, stdio: StdioRequest, spec: string): void {
    if (this.#execs.has(execId)) {
      const message = `process ${execId} of task ${this.#taskId} already exists`;
      throw new ShimError('alreadyExists', message);
    }
    this.#execs.set(execId, { process: new TaskProcess(execId, stdio), spec });
  }

  /** @throws ShimError `notFound` */
  get(execId: string): TaskProcess {
    return this.#entry(execId).process;
  }

  /** @throws ShimError `notFound` */
  specOf(execId: string): string {
    return this.#entry(execId).spec;
  }

  /**
   * Runs the start of a process, once. Its removal, {@link close}, or `signal` abort it.
   *
   * @throws ShimError `unknown` if it was started before, and whatever `work` throws
   */
  async starting<T>(
    execId: string,
    signal: AbortSignal,
    work: (start: ExecStart) => Promise<T>,
  ): Promise<T> {
    const entry = this.#entry(execId);
    if (entry.process.pid !== 0 || entry.start !== undefined) {
      throw new ShimError('unknown', `process ${execId} was started before`);
    }
    const start = new ExecStart();
    entry.start = start;
    const stop = (): void => void start.force(ShimError.from(signal.reason));
    signal.addEventListener('abort', stop);
    try {
      return await work(start);
    } finally {
      signal.removeEventListener('abort', stop);
      entry.start = undefined;
      start.end();
    }
  }

  /**
   * Signals a process; one that is being started is signalled once it runs. If runc hangs, SIGKILL ends that.
   *
   * @throws ShimError `failedPrecondition` before its start, `notFound` after its end
   */
  async kill(execId: string, signal: number): Promise<void> {
    const { process: child, start } = this.#entry(execId);
    const hasSettled = (await start?.whileCommitted()) ?? true;
    if (hasSettled || start === undefined) {
      child.kill(signal);
      return;
    }
    const name = `process ${execId} of task ${this.#taskId}`;
    if (signal !== SIGKILL) {
      throw new ShimError('failedPrecondition', `${name} is still being started`);
    }
    await start.force(new ShimError('aborted', `${name} was killed while it was being started`));
  }

  /** Aborts all starts that can be aborted: nothing more can be started. */
  abortStarts(reason: ShimError): void {
    for (const { start } of this.#execs.values()) start?.abort(reason);
  }

  /** Exec ids by pid, of running processes only: later, a pid may belong to another process. */
  byPid(): ReadonlyMap<HostPid, string> {
    const processes = [...this.#execs.values()].map(({ process }) => process);
    const running = processes.filter(({ isRunning }) => isRunning);
    return new Map(running.map(({ pid, execId }) => [pid, execId]));
  }

  /** Removes a finished process, or one that was never started. @throws ShimError while it runs */
  async remove(execId: string): Promise<Deleted> {
    const entry = this.#entry(execId);
    const { process: child } = entry;
    const name = `process ${execId} of task ${this.#taskId}`;
    entry.start?.abort(new ShimError('aborted', `${name} was deleted meanwhile`));
    if (entry.start !== undefined && !(await entry.start.whileCommitted())) {
      throw new ShimError('unknown', `${name} is being started`);
    }
    if (child.pid !== 0 && child.exit === undefined) {
      throw new ShimError('unknown', `${name} is running`);
    }
    await child.io?.drain(DRAIN_MS);
    child.io?.close();
    if (this.#execs.get(execId) === entry) this.#execs.delete(execId);
    child.abandon({ status: 0, at: new Date() });
    return { pid: child.pid, exit: child.exit };
  }

  /** Closes all streams, and releases everyone who waits for a process that will never run. */
  close(): void {
    this.abortStarts(new ShimError('notFound', `task ${this.#taskId} is deleted`));
    for (const { process: child } of this.#execs.values()) {
      child.io?.close();
      child.abandon({ status: NEVER_RAN, at: new Date() });
    }
  }

  #entry(execId: string): Entry {
    const entry = this.#execs.get(execId);
    if (entry !== undefined) return entry;
    throw new ShimError('notFound', `process ${execId} of task ${this.#taskId} not found`);
  }
}
