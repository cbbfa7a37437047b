// SPDX-License-Identifier: Apache-2.0
import { closeSync, constants, openSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { unreadBytes } from '../linux.js';

const POLL_MS = 2;

/**
 * Watches FIFOs that clients have not read yet. When a client such as ctr hears of the exit, it gives up a FIFO
 * that it has not finished opening, and with it all output; on a busy machine, opening takes longer than a short
 * container lives.
 */
export class Unread {
  /** Reading ends of ours: they do not keep clients from seeing the end of output. */
  readonly #ends: number[] = [];

  /** Watches a FIFO from now on; the descriptor remains the caller's. */
  watch(fifo: number): void {
    const flags = constants.O_RDONLY | constants.O_NONBLOCK;
    this.#ends.push(openSync(`/proc/self/fd/${fifo}`, flags));
  }

  /** Waits until everything has been read, for a limited time; then stops watching. */
  async gone(timeoutMs: number): Promise<void> {
    const end = performance.now() + timeoutMs;
    while (this.#ends.some((fd) => unreadBytes(fd) > 0) && performance.now() < end) {
      await delay(POLL_MS);
    }
    this.close();
  }

  /** Stops watching. May be called repeatedly. */
  close(): void {
    for (const fd of this.#ends.splice(0)) closeSync(fd);
  }
}
