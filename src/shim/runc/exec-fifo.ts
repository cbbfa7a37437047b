// SPDX-License-Identifier: Apache-2.0
import { closeSync, constants, openSync, readSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { POLL } from '../../native/abi/index.js';
import { syscall } from '../../native/index.js';
import { SYS } from '../../native/sys.js';
import { hasEnded } from './has-ended.js';
import { readRecord } from './record.js';

/** How long init may take for each of its steps before others are served meanwhile. */
const SHORT_MS = 2;
const POLL_MS = 2;
const POLLFD_SIZE = 8;

/**
 * The FIFO at which an init waits that runc has created. Before it runs its program it opens the FIFO, which succeeds when somebody reads,
 * and writes a byte. It closes the FIFO when it executes the program, after the container's own hooks. `runc start` reads until then, and
 * does nothing else unless there are hooks of the host.
 */
export class ExecFifo {
  readonly #stateDirectory: string;
  readonly #fd: number;

  private constructor(stateDirectory: string, fd: number) {
    this.#stateDirectory = stateDirectory;
    this.#fd = fd;
  }

  /**
   * Lets init go on, if runc would do no more than that. From then on runc cannot do it any more: it would wait for an init that has
   * written already.
   *
   * @param stateDirectory runc's of the container
   */
  static open(stateDirectory: string): ExecFifo | undefined {
    if (readRecord(stateDirectory)?.hasMoreAtStart !== false) return undefined;
    const path = pathIn(stateDirectory);
    try {
      return new ExecFifo(
        stateDirectory,
        openSync(path, constants.O_RDONLY | constants.O_NONBLOCK),
      );
    } catch {
      return undefined; // It is running, for all that runc knows.
    }
  }

  /**
   * Waits until init runs its program. Then runc knows the container as running.
   *
   * @param signal ends the wait
   * @returns false if init has ended before, which runc can tell, or if the wait was ended
   */
  async hasPassed(signal: AbortSignal): Promise<boolean> {
    for (let waitMs = SHORT_MS; ; waitMs = 0) {
      // Before the look: it may write, and end at once.
      const isLast = signal.aborted || hasEnded(this.#stateDirectory);
      if (this.#takesByte(waitMs)) break;
      if (isLast) return false;
      await delay(POLL_MS);
    }
    for (let waitMs = SHORT_MS; !this.#isClosed(waitMs); waitMs = 0) {
      if (signal.aborted) return false;
      await delay(POLL_MS);
    }
    rmSync(pathIn(this.#stateDirectory), { force: true });
    return true;
  }

  #takesByte(waitMs: number): boolean {
    const isReadable = (this.#poll(waitMs, POLL.in) & POLL.in) !== 0;
    return isReadable && readSync(this.#fd, Buffer.alloc(1)) === 1;
  }

  /** Whether init has closed it, by executing its program or by its end. */
  #isClosed(waitMs: number): boolean {
    return (this.#poll(waitMs, 0) & POLL.hup) !== 0;
  }

  #poll(waitMs: number, events: number): number {
    const polled = Buffer.alloc(POLLFD_SIZE);
    polled.writeInt32LE(this.#fd, 0);
    polled.writeInt16LE(events, 4);
    syscall(SYS.poll, polled, 1, waitMs);
    return polled.readInt16LE(6);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

function pathIn(stateDirectory: string): string {
  return join(stateDirectory, 'exec.fifo');
}
