// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';
import type { HostPid, HostTid } from '../../common/ids.js';
import { ShimError } from '../../common/errors.js';
import { listThreads, readStatus, readVitals } from '../procfs/reader.js';
import { readVitalsOf } from '../procfs/many.js';
import type { Vitals } from '../procfs/stat.js';
import { EndedMeanwhile } from '../retry.js';
import type { TracedProcess } from './tracee.js';

const LOOK_MS = 100;
/** A look at many processes gets a share of the time: the next one comes after this many times its duration. */
const REST = 29;
const SIGKILL_BIT = 1n << 8n;
/** PF_EXITING of the kernel. */
const EXITING = 0x4;

/** So long the threads of a process that is killed may take to end after the first one. */
const THREADS_MS = 200;
const POLL_MS = 5;

type Watched = Pick<TracedProcess, 'pid' | 'label'>;

/**
 * Watches whether a container is alive, and while it stands still, whether all of it is: nothing else reports that
 * at any time.
 */
export class LifeWatch {
  readonly #abort = new AbortController();
  readonly #containerId: string;
  readonly #initPid: HostPid;
  #processes: readonly Watched[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor({ containerId, initPid }: { containerId: string; initPid: HostPid }) {
    this.#containerId = containerId;
    this.#initPid = initPid;
  }

  /** Aborts once its init or a watched process has ended; the reason is that of {@link ended}. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Starts to watch its init. */
  start(): void {
    this.#lookAfter(LOOK_MS);
  }

  get #told(): ShimError | undefined {
    return this.signal.aborted ? ShimError.from(this.signal.reason) : undefined;
  }

  /** Which processes to watch as well, from now on. */
  watch(processes: readonly Watched[]): void {
    this.#processes = processes;
  }

  /** Stops watching: processes may end freely. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#processes = [];
  }

  #lookAfter(ms: number): void {
    this.#timer = setTimeout(() => {
      const begin = performance.now();
      const ended = this.ended();
      this.#lookAfter(Math.max(LOOK_MS, REST * (performance.now() - begin)));
      if (ended) this.#abort.abort(ended);
    }, ms);
  }

  /**
   * The error to report if a process has ended, whatever else failed because of it: `failedPrecondition` if it was
   * the container's init, EndedMeanwhile if the init is alive. What {@link signal} has reported does not change.
   */
  ended(): ShimError | undefined {
    const what = `checkpoint ${this.#containerId}`;
    if (hasEnded(this.#initPid)) {
      return new ShimError('failedPrecondition', `${what}: the container has ended meanwhile`);
    }
    const all = readVitalsOf(this.#processes.map(({ pid }) => pid));
    const found = this.#processes.find(({ pid }) => {
      const vitals = all.get(pid);
      return !vitals || isEnding(vitals);
    });
    if (!found) return this.#told;
    const message = `${what}: ${found.label} has ended meanwhile; remedy: try again`;
    return new EndedMeanwhile('aborted', message);
  }

  /**
   * The same for an attempt that has failed. SIGKILL ends threads one by one, and /proc lacks much of a process as soon as the
   * first one has ended: then the others are waited for.
   */
  async endedByNow(): Promise<ShimError | undefined> {
    for (const late = performance.now() + THREADS_MS; performance.now() < late;) {
      if (!isDying(this.#initPid) || hasEnded(this.#initPid)) break;
      await delay(POLL_MS);
    }
    return this.ended();
  }
}

/** Whether a process is dead, or will die as soon as it runs. */
export function isDoomed(pid: HostPid): boolean {
  try {
    const { pending, sharedPending } = readStatus(pid).signals;
    return hasEnded(pid) || ((pending | sharedPending) & SIGKILL_BIT) !== 0n;
  } catch {
    return true;
  }
}

/** Whether a process has exited, with all of its threads: its first thread may have exited long before. */
export function hasEnded(pid: HostPid): boolean {
  try {
    return isDying(pid) && listThreads(pid).every((tid) => isDying(tid));
  } catch {
    return true;
  }
}

/** Whether a thread has exited, or is about to: the init of a pid namespace first waits for all others in there. */
export function isDying(tid: HostTid): boolean {
  try {
    return isEnding(readVitals(tid));
  } catch {
    return true; // Reaped.
  }
}

/** The same, by the vital fields of a thread. */
export function isEnding({ state, flags }: Vitals): boolean {
  return state === 'Z' || state === 'X' || (flags & EXITING) !== 0;
}
