// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';

/**
 * The start of an added process, from its request to its end. Until it is committed it waits, for readers
 * of its streams or for its turn, and can be aborted; from then on runc is at work, and whoever wants
 * something of the process waits for that.
 */
export class ExecStart {
  readonly #abort = new AbortController();
  readonly #settled: Promise<void>;
  #settle: () => void = () => undefined;
  #isCommitted = false;

  constructor() {
    this.#settled = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  /** Aborted when the process is not to be started any more. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** To be called right before runc is. @throws ShimError why it was aborted */
  commit(): void {
    if (this.signal.aborted) throw ShimError.from(this.signal.reason);
    this.#isCommitted = true;
  }

  /** To be called when it has succeeded or failed. */
  end(): void {
    this.#settle();
  }

  /** Aborts it for a reason, if it can be. */
  abort(reason: ShimError): void {
    if (!this.#isCommitted) this.#abort.abort(reason);
  }

  /** Waits for a start that cannot be aborted any more. */
  async whileCommitted(): Promise<void> {
    if (this.#isCommitted) await this.#settled;
  }
}
