// SPDX-License-Identifier: Apache-2.0
import { Mutex } from '../../common/mutex.js';
import { within } from '../io/task-io.js';

/** How long a verb waits for processes that are being started: a runc that takes longer is considered hung. */
const PATIENCE_MS = 2_000;

/**
 * The order of work on a container: verbs that change its state run one at a time. Processes are started in
 * parallel, and none while a verb runs; but a verb waits only a short time for them.
 */
export class Turns {
  readonly #mutex = new Mutex();
  #starts = new Set<Promise<void>>();

  /** Runs a verb once everything before it is done. */
  run<T>(verb: () => Promise<T>): Promise<T> {
    return this.#mutex.run(async () => {
      await within(
        PATIENCE_MS,
        [...this.#starts].map((done) => ({ done })),
      );
      this.#starts.clear(); // Nobody waits a second time for those that are left.
      return await verb();
    });
  }

  /** Starts a process once the verbs before it are done. */
  async start<T>(work: () => Promise<T>): Promise<T> {
    const { started } = await this.#mutex.run(() => {
      const started = work();
      const done = started.then(
        () => undefined,
        () => undefined, // Its error is reported to the caller.
      );
      this.#starts.add(done);
      void done.then(() => this.#starts.delete(done));
      return Promise.resolve({ started });
    });
    return await started;
  }
}
