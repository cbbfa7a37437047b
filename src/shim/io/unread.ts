// SPDX-License-Identifier: Apache-2.0
import { closeSync, constants, openSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { unreadBytes } from '../linux.js';

const POLL_MS = 2;

/**
 * Watches over FIFOs that clients have yet to read. A client such as ctr gives up a FIFO that it has not
 * finished opening when it hears of the exit, and with it all output; on a busy machine that takes it
 * longer than a short container lives.
 */
export class Unread {
  /** Reading ends of ours: they keep no client from seeing the end of output. */
  readonly #ends: number[] = [];

  /** Watches over a FIFO from now on; the descriptor stays the caller's. */
  watch(fifo: number): void {
    const flags = constants.O_RDONLY | constants.O_NONBLOCK;
    this.#ends.push(openSync(`/proc/self/fd/${fifo}`, flags));
  }

  /** Waits until all has been read, at most so long; then watches no more. */
  async gone(timeoutMs: number): Promise<void> {
    const end = performance.now() + timeoutMs;
    while (this.#ends.some((fd) => unreadBytes(fd) > 0) && performance.now() < end) {
      await delay(POLL_MS);
    }
    this.close();
  }

  /** Ends the watch. May be called repeatedly. */
  close(): void {
    for (const fd of this.#ends.splice(0)) closeSync(fd);
  }
}
