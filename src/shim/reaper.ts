// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { logger } from '../common/log.js';
import { becomeSubreaper, reapChild } from './linux.js';

const log = logger('reaper');
const SWEEP_MS = 1000;
/** What is reported for a process whose status somebody else took: only a tracer that killed it does. */
const LOST_STATUS = 137;

/** How and when a process ended. */
export interface Exit {
  /** Exit status, or 128 + signal. */
  readonly status: number;
  readonly at: Date;
}

/**
 * Reports the exits of processes that became our children because their parent, runc, has exited.
 *
 * A dead child stays a zombie until somebody asks for it, so an exit is never missed however early it
 * happens: {@link exitOf} may be called long after. Each process is waited for by its pid, so libuv's
 * children stay libuv's. Orphans that nobody asks for are reaped once they were zombies in two looks
 * a second apart, which no child of libuv is.
 */
export class Reaper {
  readonly #watched = new Map<number, (exit: Exit) => void>();
  #suspects = new Set<number>();
  #launches = 0;
  #sweep: NodeJS.Timeout | undefined;

  /** Starts to reap; once per process. */
  start(): void {
    becomeSubreaper();
    process.on('SIGCHLD', () => {
      this.#reapWatched();
      this.#sweepSoon();
    });
  }

  /** The exit of a child that is not libuv's. Never rejects. One caller per process. */
  exitOf(pid: number): Promise<Exit> {
    return new Promise((resolve) => {
      this.#watched.set(pid, resolve);
      this.#reap(pid, resolve);
    });
  }

  /** Keeps unknown zombies as they are while `work` finds out the pid of a process it made. */
  async launching<T>(work: () => Promise<T>): Promise<T> {
    this.#launches += 1;
    try {
      return await work();
    } finally {
      this.#launches -= 1;
      this.#suspects.clear();
    }
  }

  #reapWatched(): void {
    for (const [pid, resolve] of this.#watched) this.#reap(pid, resolve);
  }

  #reap(pid: number, resolve: (exit: Exit) => void): void {
    const status = reapChild(pid);
    if (status === 'running') return;
    if (status === 'unknown') log.warn('exit status of a process is unknown', { pid });
    this.#watched.delete(pid);
    resolve({ status: status === 'unknown' ? LOST_STATUS : status, at: new Date() });
  }

  #sweepSoon(): void {
    this.#sweep ??= setTimeout(() => {
      this.#sweep = undefined;
      this.#sweepOrphans();
    }, SWEEP_MS).unref();
  }

  #sweepOrphans(): void {
    const zombies = this.#launches > 0 ? [] : zombieChildren();
    const unknown = zombies.filter((pid) => !this.#watched.has(pid));
    const again = unknown.filter((pid) => this.#suspects.has(pid));
    for (const pid of again) log.debug('orphan reaped', { pid, status: reapChild(pid) });
    this.#suspects = new Set(unknown.filter((pid) => !again.includes(pid)));
    if (this.#suspects.size > 0) this.#sweepSoon();
  }
}

/** Dead children of the main thread that nobody has waited for (proc(5), `children` and `stat`). */
function zombieChildren(): number[] {
  const path = `/proc/${process.pid}/task/${process.pid}/children`;
  const pids = readFileSync(path, 'utf8').split(' ').filter(Boolean).map(Number);
  return pids.filter((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      return stat[stat.lastIndexOf(')') + 2] === 'Z';
    } catch {
      return false; // Reaped between the two reads.
    }
  });
}
