// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { expectCgroupMoves } from '../native/cgroup-moves.js';
import { asHostPid, type HostPid } from '../common/ids.js';
import { logger } from '../common/log.js';
import { isAwaited, lookAtChild, reapChild } from '../native/children.js';
import { becomeSubreaper } from './linux.js';

const log = logger('reaper');
/** Time between two looks for orphans: long enough for libuv to have reaped its own children. */
const SWEEP_MS = 100;
/** For how long a zombie may be the process of a launch that does not know its pid yet. */
const LAUNCH_MS = 10_000;
/** Reported for a process whose status was taken by another process: only a tracer that killed it does that. */
const LOST_STATUS = 137;

/** How and when a process ended. */
export interface Exit {
  /** Exit status, or 128 + signal. */
  readonly status: number;
  readonly at: Date;
}

/** A zombie that nobody has asked for, and when it was first seen. */
interface Suspect {
  /** The last launch that had begun by then. */
  readonly launch: number;
  readonly since: number;
}

/**
 * Reports the exits of processes that became our children because their parent, runc, has exited.
 *
 * A dead child stays a zombie until its exit is requested, so an exit is never missed however early it happens:
 * {@link exitOf} may be called long after. Each process is waited for by its pid, so libuv's children remain
 * libuv's, and those of `startChild` their own. Orphans that nobody asks for are reaped once they were dead in two looks, which
 * no child of libuv is, and once the launches that had begun by the first look have ended.
 */
export class Reaper {
  readonly #watched = new Map<HostPid, (exit: Exit) => void>();
  /** Launched processes whose exit will be requested. */
  readonly #launched = new Set<HostPid>();
  /** Launches that have not ended, by number, in order. */
  readonly #launches = new Set<number>();
  #lastLaunch = 0;
  #suspects = new Map<HostPid, Suspect>();
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
  exitOf(pid: HostPid): Promise<Exit> {
    return new Promise((resolve) => {
      this.#launched.delete(pid);
      this.#watched.set(pid, resolve);
      this.#reap(pid, resolve);
    });
  }

  /**
   * Keeps the process that `work` creates and moves to its cgroups from being taken for an orphan, from its birth
   * to {@link exitOf}.
   */
  async launching(work: () => Promise<HostPid>): Promise<HostPid> {
    this.#lastLaunch += 1;
    const launch = this.#lastLaunch;
    this.#launches.add(launch);
    try {
      const pid = await expectCgroupMoves(work);
      this.#launched.add(pid);
      return pid;
    } finally {
      this.#launches.delete(launch);
    }
  }

  #reapWatched(): void {
    for (const [pid, resolve] of this.#watched) this.#reap(pid, resolve);
  }

  #reap(pid: HostPid, resolve: (exit: Exit) => void): void {
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
    const suspects = new Map<HostPid, Suspect>();
    for (const pid of deadChildren()) {
      if (this.#watched.has(pid) || this.#launched.has(pid) || isAwaited(pid)) continue;
      const suspect = this.#suspects.get(pid);
      if (suspect === undefined) {
        suspects.set(pid, { launch: this.#lastLaunch, since: performance.now() });
      } else if (this.#mayBeLaunched(suspect)) {
        suspects.set(pid, suspect);
      } else {
        log.debug('orphan reaped', { pid, status: reapChild(pid) });
      }
    }
    this.#suspects = suspects;
    if (suspects.size > 0) this.#sweepSoon();
  }

  /** Whether it may be the process of a launch that has not ended. */
  #mayBeLaunched({ launch, since }: Suspect): boolean {
    const [oldest = Infinity] = this.#launches;
    return oldest <= launch && performance.now() - since < LAUNCH_MS;
  }
}

/** Children of the main thread that can be reaped (proc(5), `children`). */
function deadChildren(): HostPid[] {
  const path = `/proc/${process.pid}/task/${process.pid}/children`;
  const pids = readFileSync(path, 'utf8')
    .split(' ')
    .filter(Boolean)
    .map((pid) => asHostPid(Number(pid)));
  return pids.filter((pid) => typeof lookAtChild(pid) === 'number');
}
