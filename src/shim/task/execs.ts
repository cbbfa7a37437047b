// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';
import type { StdioRequest } from '../io/task-io.js';
import type { Exit } from '../reaper.js';
import { TaskProcess } from './process.js';

/** Output that was not read by then is lost; must stay below containerd's 10 s for an event. */
export const DRAIN_MS = 2_000;
/** Reported for a process that never ran: as if killed. */
export const NEVER_RAN = 128 + 9;

/** The result of a Delete. */
export interface Deleted {
  readonly pid: number;
  /** Undefined for a process that never ran. */
  readonly exit: Exit | undefined;
}

/** The processes that were added to a container, by their exec ids, each until it is removed. */
export class Execs {
  readonly #taskId: string;
  readonly #execs = new Map<string, { readonly process: TaskProcess; readonly spec: string }>();

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

  /** Exec ids by pid, of those that were started. */
  byPid(): ReadonlyMap<number, string> {
    const processes = [...this.#execs.values()].map(({ process }) => process);
    return new Map(processes.map(({ pid, execId }) => [pid, execId]));
  }

  /** Removes a finished process, or one that was never started. @throws ShimError while it runs */
  async remove(execId: string): Promise<Deleted> {
    const child = this.get(execId);
    if (child.pid !== 0 && child.exit === undefined) {
      const message = `process ${execId} of task ${this.#taskId} is running`;
      throw new ShimError('unknown', message);
    }
    await child.io?.drain(DRAIN_MS);
    child.io?.close();
    this.#execs.delete(execId);
    child.abandon({ status: 0, at: new Date() });
    return { pid: child.pid, exit: child.exit };
  }

  /** Closes all streams, and releases whoever waits for a process that will never run. */
  close(): void {
    for (const { process: child } of this.#execs.values()) {
      child.io?.close();
      child.abandon({ status: NEVER_RAN, at: new Date() });
    }
  }

  #entry(execId: string): { readonly process: TaskProcess; readonly spec: string } {
    const entry = this.#execs.get(execId);
    if (entry !== undefined) return entry;
    throw new ShimError('notFound', `process ${execId} of task ${this.#taskId} not found`);
  }
}
