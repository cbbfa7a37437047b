// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';

/** Work that goes on after it has been answered, and that the end of the daemon has to wait for. */
export class Fillings {
  readonly #underWay = new Set<Promise<void>>();

  /** Whoever does the work reports its failure. */
  add(work: Promise<void> | undefined): void {
    if (!work) return;
    const done = work.catch(() => undefined).finally(() => this.#underWay.delete(done));
    this.#underWay.add(done);
  }

  /** Waits until all of it has ended, or the time is over. */
  async end(limitMs: number): Promise<void> {
    const over = new AbortController();
    const all = Promise.all(this.#underWay);
    const limit = delay(limitMs, undefined, { signal: over.signal }).catch(() => undefined);
    await Promise.race([all, limit]);
    over.abort();
  }
}
