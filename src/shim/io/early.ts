// SPDX-License-Identifier: Apache-2.0
import { closeSync, readSync } from 'node:fs';
import { memfd } from '../../native/sys.js';
import { duplicate, setNonBlocking, unreadBytes } from '../linux.js';
import { copy, type Copy, type OutputWatch } from './copy.js';

/** Most runcs have ended by then. */
const FIRST_MS = 100;
const BUSY_MS = 2;
/** Any more stays in the pipe. */
const MOST_BYTES = 32 * 1024 * 1024;

/**
 * What comes out of a pipe while runc starts a process on it. It is the process's output if runc succeeds, and
 * runc's own words if it fails, which are not for the client; but if nobody reads it, runc hangs as soon as the
 * pipe is full. So it is kept until the result is known.
 */
export class EarlyOutput {
  readonly #from: number;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;

  /** Starts to read; the descriptor remains the caller's. */
  constructor(from: number) {
    this.#from = from;
    setNonBlocking(from); // The process may read its own pipe, too.
    this.#readAfter(FIRST_MS);
  }

  /** Stops reading. May be called repeatedly. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  /** Copies to `to` what was read, then everything that follows, in which `watch` looks. Takes both descriptors. */
  copy(to: number, watch?: OutputWatch): Copy {
    this.stop();
    if (this.#bytes === 0) return copy(this.#from, to, watch);
    const first = copy(memfd('early-output', Buffer.concat(this.#chunks)), duplicate(to));
    let rest: Copy | undefined;
    let isStopped = false;
    const done = first.done.then(async () => {
      if (isStopped) {
        closeSync(this.#from);
        closeSync(to);
        return;
      }
      rest = copy(this.#from, to, watch);
      await rest.done;
    });
    return {
      done,
      stop: () => {
        isStopped = true;
        first.stop();
        rest?.stop();
      },
    };
  }

  #readAfter(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#readAfter(this.#read() > 0 ? BUSY_MS : FIRST_MS);
    }, ms);
  }

  /** Reads what is there; returns the number of bytes. */
  #read(): number {
    const size = Math.min(unreadBytes(this.#from), MOST_BYTES - this.#bytes);
    if (size === 0) return 0;
    const chunk = Buffer.alloc(size);
    try {
      const got = readSync(this.#from, chunk);
      this.#chunks.push(chunk.subarray(0, got));
      this.#bytes += got;
      return got;
    } catch {
      return 0; // Another process has read it meanwhile.
    }
  }
}
