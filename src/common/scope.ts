// SPDX-License-Identifier: Apache-2.0
import { logger } from './log.js';

const log = logger('scope');

type Cleanup = () => void | Promise<void>;

/**
 * Cleanups that run in reverse order of registration. All run, even when some fail; failures are
 * logged, since the error that made us clean up is the one worth reporting.
 */
export class Scope {
  #cleanups: { what: string; run: Cleanup }[] = [];

  /** Registers a cleanup; `what` names it in the log should it fail. */
  defer(what: string, run: Cleanup): void {
    this.#cleanups.push({ what, run });
  }

  /** Forgets all cleanups: what they guarded now belongs to somebody else. */
  release(): void {
    this.#cleanups = [];
  }

  /** Runs and forgets all cleanups. Never throws. */
  async close(): Promise<void> {
    for (let next = this.#cleanups.pop(); next; next = this.#cleanups.pop()) {
      try {
        await next.run();
      } catch (error) {
        log.error(`cleanup failed: ${next.what}`, { error: String(error) });
      }
    }
  }
}
