// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';
import { within } from '../io/task-io.js';

/** How long others wait for a runc that starts a process when they want something from that process. */
const PATIENCE_MS = 5_000;

/**
 * The start of an added process, from its request to its end. Until it is committed it waits for readers of its
 * streams or for its turn, and can be aborted. From then on runc is at work, and a caller that wants something from
 * the process waits for that, but not forever.
 */
export class ExecStart {
  readonly #abort = new AbortController();
  readonly #settled: Promise<void>;
  #settle: () => void = () => undefined;
  #isCommitted = false;
  #isSettled = false;

  constructor() {
    this.#settled = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  /** Aborted when the process is no longer to be started. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Called right before runc. @throws ShimError why it was aborted */
  commit(): void {
    if (this.signal.aborted) throw ShimError.from(this.signal.reason);
    this.#isCommitted = true;
  }

  /** Called when it has succeeded or failed. */
  end(): void {
    this.#isSettled = true;
    this.#settle();
  }

  /** Aborts it for a reason, unless runc is at work. */
  abort(reason: ShimError): void {
    if (!this.#isCommitted) this.#abort.abort(reason);
  }

  /** Aborts it for a reason, and waits until it has failed: a runc that is at work is killed. */
  async force(reason: ShimError): Promise<void> {
    this.#abort.abort(reason);
    await this.whileCommitted();
  }

  /** Waits for a start that can no longer be aborted; returns whether it has ended. */
  async whileCommitted(): Promise<boolean> {
    if (this.#isCommitted) await within(PATIENCE_MS, [{ done: this.#settled }]);
    return !this.#isCommitted || this.#isSettled;
  }
}
