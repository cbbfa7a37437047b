// SPDX-License-Identifier: Apache-2.0
import { closeSync, constants, existsSync, openSync, writeSync } from 'node:fs';

/**
 * Where a daemon's log goes: the FIFO of a bundle, which containerd copies to its own log as long as it has that container. Once nobody
 * reads it, that of another of the daemon's containers.
 */
export class DaemonLog {
  #paths: string[] = [];
  #fd: number | undefined;

  /** Another FIFO that it may go to. */
  add(path: string): void {
    this.#paths = [...this.#paths.filter((one) => existsSync(one)), path];
  }

  /** Never waits, and never throws: while containerd is away or the FIFO is full, lines are lost. */
  write(line: string): void {
    for (this.#fd ??= this.#open(); this.#fd !== undefined; this.#fd = this.#open()) {
      try {
        writeSync(this.#fd, `${line}\n`);
        return;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EPIPE') return;
        closeSync(this.#fd);
      }
    }
  }

  /** The first that has a reader. */
  #open(): number | undefined {
    for (const path of this.#paths) {
      try {
        return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
      } catch {
        continue;
      }
    }
    return undefined;
  }
}
