// SPDX-License-Identifier: Apache-2.0
import { renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { ShimError } from '../common/errors.js';
import { logger } from '../common/log.js';
import { withDirectoryLock } from '../native/directory-lock.js';

const log = logger('serve');

/** How long a daemon without containers waits for the next one. */
const LINGER_MS = 10_000;
/** How soon it tries again where others keep the sockets' directory locked. */
const RETRY_MS = 100;

/** What a daemon that lingers asks and does. */
export interface Lingerer {
  /** Its socket. */
  readonly socket: string;
  readonly isEmpty: () => boolean;
  /** Ends it; nobody finds the socket any more. */
  readonly end: () => void;
  /** Milliseconds; for tests. */
  readonly lingerMs?: number;
}

/**
 * Lets a daemon without containers wait for the next clone of the same snapshot: it is warm, and tests follow one another. It ends once
 * nobody has come for ten seconds. A `start` that has found it alive promises it to containerd, which then connects: each connection
 * counts, so it never goes away in between.
 */
export class Linger {
  readonly #lingerer: Required<Lingerer>;
  #lastVisit = performance.now();
  #timer: NodeJS.Timeout | undefined;
  /** Of the socket, which is there. */
  readonly #inode: number | undefined;

  constructor(lingerer: Lingerer) {
    this.#lingerer = { lingerMs: LINGER_MS, ...lingerer };
    this.#inode = inodeOf(lingerer.socket);
  }

  /** Somebody has connected. */
  visited(): void {
    this.#lastVisit = performance.now();
  }

  /** Whether it waits. */
  get isWaiting(): boolean {
    return this.#timer !== undefined;
  }

  /** The last container has gone. */
  begin(): void {
    this.visited();
    this.#wait();
  }

  get #restMs(): number {
    return this.#lastVisit + this.#lingerer.lingerMs - performance.now();
  }

  #wait(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#look(), Math.max(RETRY_MS, this.#restMs + 1)).unref();
  }

  async #look(): Promise<void> {
    const { isEmpty, end } = this.#lingerer;
    this.#timer = undefined;
    if (!isEmpty()) return; // The end of that container begins it anew.
    if (this.#restMs > 0 || !(await this.#leave())) this.#wait();
    else end();
  }

  /** Whether its socket is still there. */
  get #isFound(): boolean {
    const inode = inodeOf(this.#lingerer.socket);
    return inode !== undefined && inode === this.#inode;
  }

  /** Takes the socket away; puts it back, and returns false, if somebody has come in the last moment. */
  async #leave(): Promise<boolean> {
    const { socket, isEmpty } = this.#lingerer;
    if (!this.#isFound) return isEmpty();
    const hidden = join(dirname(socket), `.${String(process.pid)}`);
    try {
      return await withDirectoryLock(dirname(socket), async () => {
        if (!this.#isFound) return isEmpty();
        renameSync(socket, hidden);
        // Who has connected before that is accepted in the second turn at the latest.
        await turn();
        await turn();
        const isOver = this.#restMs <= 0 && isEmpty();
        if (isOver) rmSync(hidden);
        else renameSync(hidden, socket);
        return isOver;
      });
    } catch (error) {
      log.debug('the daemon cannot leave yet', { error: ShimError.from(error).message });
      return false;
    }
  }
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}
