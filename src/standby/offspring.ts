// SPDX-License-Identifier: Apache-2.0
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { O } from '../native/abi/index.js';
import { forkAway } from '../native/index.js';
import { call, SYS } from '../native/sys.js';

/**
 * Forks this process, and knows whether any fork is still alive, but not which: each fork keeps the write end of
 * one pipe open while it lives, so a read finds the end of the pipe only when none is alive (pipe(7)).
 */
export class Offspring {
  readonly #reader: number;

  constructor() {
    const pair = Buffer.alloc(8);
    call('make a pipe', SYS.pipe2, pair, O.cloexec | constants.O_NONBLOCK);
    this.#reader = pair.readInt32LE(0);
    closeSync(pair.readInt32LE(4));
  }

  /** Forks; returns true in the fork. A fork that fails counts as none. */
  fork(): boolean {
    const writer = this.#openWriter();
    const isFork = forkAway() === 0;
    closeSync(isFork ? this.#reader : writer);
    return isFork;
  }

  /** Forks one that is not one of them, but knows them: it may {@link join} them. Returns true in the fork. */
  forkOther(): boolean {
    return forkAway() === 0;
  }

  /** In such a fork: makes it one of them. */
  join(): void {
    this.#openWriter();
    closeSync(this.#reader);
  }

  #openWriter(): number {
    return openSync(`/proc/self/fd/${String(this.#reader)}`, constants.O_WRONLY);
  }

  isAlive(): boolean {
    try {
      return readSync(this.#reader, Buffer.alloc(1)) !== 0;
    } catch {
      return true; // EAGAIN: a fork still holds the write end.
    }
  }
}
