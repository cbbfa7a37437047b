// SPDX-License-Identifier: Apache-2.0
import { close, read } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { asHostPid } from '../common/ids.js';
import { askCopy, syscall } from './index.js';
import { check, closeFd, openPidfd, SYS } from './sys.js';

const P_PIDFD = 3;
const WNOHANG_EXITED = 0x1 | 0x4;
const SIGINFO_SIZE = 128;
/** Offset of si_pid, which is 0 while it lives (waitid(2)). */
const WHO = 16;
const CHUNK = 16_384;
/** What an answer ends with. JSON does not contain it. */
const END = '\n';
const SIGKILL = 9;

/** Whether this process may be copied: V8 does without threads, of which a copy would have none. */
export function mayBeCopied(): boolean {
  return process.execArgv.includes('--single-threaded');
}

/**
 * Work that a copy of this process does, on another processor. It begins with all that this process has in memory, and
 * only its answer comes back.
 */
export class Copy<T> {
  /** Whoever else reaps children, as a shim does, its pid is not taken for that of another. */
  readonly #pidfd: number;
  readonly #answer: number;
  #isOver = false;

  /**
   * Begins the work. It waits for nothing, and uses no descriptor but those that it opens itself. Its result must survive JSON.
   *
   * @throws ShimError if no copy can be made
   */
  constructor(work: () => T) {
    const made = askCopy(() => JSON.stringify(work()) + END);
    if (typeof made === 'number') check('copy this process', made);
    const [pid, answer] = made as readonly [number, number];
    this.#answer = answer;
    this.#pidfd = openPidfd(asHostPid(pid));
  }

  /** Its answer, or undefined if it has died without one. */
  async answer(): Promise<T | undefined> {
    const text = await this.#read();
    return text.endsWith(END) ? (JSON.parse(text) as T) : undefined;
  }

  async #read(): Promise<string> {
    const parts: string[] = [];
    const buffer = Buffer.alloc(CHUNK);
    while (!parts.at(-1)?.endsWith(END)) {
      const { bytesRead } = await promisify(read)(this.#answer, buffer, 0, CHUNK, null);
      if (bytesRead === 0) break;
      parts.push(buffer.toString('latin1', 0, bytesRead));
    }
    return Buffer.from(parts.join(''), 'latin1').toString();
  }

  /** Ends it, whether or not it has answered, and takes leave of it. */
  async end(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    syscall(SYS.pidfd_send_signal, this.#pidfd, SIGKILL, null, 0);
    while (this.#lives()) await delay(1);
    closeFd(this.#pidfd);
    await promisify(close)(this.#answer);
  }

  /** Takes leave of it if not. */
  #lives(): boolean {
    const info = Buffer.alloc(SIGINFO_SIZE);
    const result = syscall(SYS.waitid, P_PIDFD, this.#pidfd, info, WNOHANG_EXITED, null);
    return result === 0 && info.readInt32LE(WHO) === 0;
  }
}
