// SPDX-License-Identifier: Apache-2.0
import { ShimError, type ErrorKind } from '../../common/errors.js';

/**
 * The order of exits in one container: no process starts once init has exited, and init's exit is reported last,
 * after the exits of all others and after its own start (containerd issues #9719, #10589).
 *
 * A process enters before it is started and leaves when its exit has been reported (or its start has failed); init
 * is inside for the time of its start. Init's exit closes the gate, then waits until it is empty.
 */
export class ExitGate {
  #inside = 0;
  #closed = false;
  #emptied: (() => void)[] = [];

  /** Lets one process in; returns how it leaves. @throws ShimError of that kind once closed */
  enter(what: string, kind: ErrorKind = 'failedPrecondition'): () => void {
    if (this.#closed) {
      throw new ShimError(kind, `cannot start ${what}: its container has exited`);
    }
    this.#inside += 1;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#inside -= 1;
      if (this.#inside === 0) this.#announceEmpty();
    };
  }

  /** Closes the gate; resolves when nobody is inside. */
  close(): Promise<void> {
    this.#closed = true;
    if (this.#inside === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#emptied.push(resolve);
    });
  }

  #announceEmpty(): void {
    for (const resolve of this.#emptied.splice(0)) resolve();
  }
}
