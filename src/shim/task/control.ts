// SPDX-License-Identifier: Apache-2.0
import { freeze, signalAll, thaw, type Cgroup } from '../../common/cgroup.js';
import { ShimError } from '../../common/errors.js';
import { isPlain } from '../runc/settings.js';
import type { Runc } from '../runc/runc.js';
import type { TaskProcess } from './process.js';
import type { TaskState } from './state.js';

const SIGKILL = 9;

/** What is controlled. */
export interface Controlled {
  readonly id: string;
  readonly runc: Runc;
  readonly init: TaskProcess;
  /** Undefined if it has no cgroup. */
  readonly freezer: () => Cgroup | undefined;
  readonly state: () => TaskState | 'pausing';
}

/**
 * Pauses, resumes and signals a container. runc and crun record none of these: with one of them as the runtime they
 * are done by the cgroup and kill(2), without a process for each. Any other runtime may have more to do, or
 * something to say, and is called.
 */
export class Control {
  readonly #what: Controlled;
  readonly #isPlain: boolean;
  #isKilled = false;

  constructor(what: Controlled) {
    this.#what = what;
    this.#isPlain = isPlain(what.runc.settings);
  }

  async pause(): Promise<void> {
    if (this.#isPlain) await freeze(this.#freezer());
    else await this.#what.runc.pause(this.#what.id);
    if (this.#isKilled) this.#letDie(); // It was killed before it was frozen.
  }

  async resume(): Promise<void> {
    if (this.#isPlain) thaw(this.#freezer());
    else await this.#what.runc.resume(this.#what.id);
  }

  /** Signals init, or every process. */
  async kill(signal: number, all: boolean): Promise<void> {
    const { id, runc, init, state } = this.#what;
    const cgroup = this.#what.freezer();
    const isPaused = (): boolean => state() === 'paused';
    if (!this.#isPlain) {
      init.assertRuns();
      await runc.kill(id, signal, all);
    } else if (all && cgroup !== undefined) {
      await signalAll(cgroup, signal, () => isPaused() || state() === 'pausing');
    } else {
      init.kill(signal);
    }
    if (signal !== SIGKILL) return;
    this.#isKilled = true;
    if (isPaused()) this.#letDie();
  }

  /** A frozen v1 cgroup takes no signal, not even SIGKILL, before it is thawed. */
  #letDie(): void {
    const cgroup = this.#what.freezer();
    if (cgroup !== undefined) thaw(cgroup);
  }

  #freezer(): Cgroup {
    const cgroup = this.#what.freezer();
    if (cgroup !== undefined) return cgroup;
    throw new ShimError('failedPrecondition', `task ${this.#what.id} has no cgroup to freeze`);
  }
}
