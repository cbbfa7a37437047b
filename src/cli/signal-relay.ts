// SPDX-License-Identifier: Apache-2.0
import type { HostPid } from '../common/ids.js';
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

/** Relays signals that end other programs to the container once it runs; before that, they cancel its start. */
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

  /** The container runs: its init gets all signals, including those that came too late to cancel. */
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
      // It has exited; the event is on its way.
    }
  };
}
