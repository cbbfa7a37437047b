// SPDX-License-Identifier: Apache-2.0
import type { HostPid } from '../common/ids.js';
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

/** What ends other programs is for the container once it runs; before, it cancels what makes it run. */
export class SignalRelay {
  readonly #abort = new AbortController();
  readonly #early: NodeJS.Signals[] = [];
  #pid: HostPid | undefined;

  /** Takes signals from now on, until it is closed. */
  constructor() {
    for (const name of SIGNALS) process.on(name, this.#take);
  }

  /** Aborted by a signal that comes before the container runs. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** The container runs: its init gets all signals, also those that came too late to cancel. */
  forwardTo(pid: HostPid): void {
    this.#pid = pid;
    for (const name of this.#early.splice(0)) this.#take(name);
  }

  close(): void {
    for (const name of SIGNALS) process.off(name, this.#take);
  }

  readonly #take = (name: NodeJS.Signals): void => {
    if (this.#pid === undefined) {
      this.#early.push(name);
      this.#abort.abort();
      return;
    }
    try {
      process.kill(this.#pid, name);
    } catch {
      // It has exited, which we are about to hear.
    }
  };
}
