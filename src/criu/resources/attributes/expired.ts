// SPDX-License-Identifier: Apache-2.0
import type { Tracer } from '../../../native/index.js';
import type {
  ItimerEntry,
  PosixTimerEntry,
  SignalQueueEntry,
  TaskTimersEntry,
} from '../../image/types.js';
import { readSharedPending } from '../../procfs/reader.js';
import type { TracedProcess } from '../../tracee/tracee.js';
import { decodeQueue } from './pending.js';
import { reader } from '../../../native/structures.js';
import type { TimerDump } from './timers.js';

const SIGALRM_MASK = 1n << 13n;
/** si_code of a POSIX timer's signal, and the offset of the timer's id in its siginfo. */
const SI_TIMER = -2;
const [CODE, TIMER_ID] = [8, 16];
/** CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID; the CPU clocks of other processes are negative. */
const CPU_CLOCKS: readonly number[] = [2, 3];

/** Timers of a process that have expired, and whose signal is still pending. */
export interface ExpiredTimers {
  /** Whether ITIMER_REAL has. */
  readonly real: boolean;
  /** Ids of the expired timers of timer_create(2). */
  readonly posix: ReadonlySet<number>;
}

const NONE: ExpiredTimers = { real: false, posix: new Set() };
const ONLY_REAL: ExpiredTimers = { real: true, posix: new Set() };

/**
 * Finds expired timers of a stopped process. Time goes on while it stands still, so more may have expired than its
 * signal queues said when it stopped. Call this after its timers have been read.
 */
export async function findExpired(
  process: TracedProcess,
  { entry: timers, pending }: TimerDump,
  tracer: Tracer,
): Promise<ExpiredTimers> {
  const mayHaveRun = isZero(timers.real) && (pending & SIGALRM_MASK) !== 0n;
  const real = mayHaveRun && (readSharedPending(process.pid) & SIGALRM_MASK) !== 0n;
  if (timers.posix.length === 0) return real ? ONLY_REAL : NONE;
  const tids = process.threads.map(({ tid }) => tid);
  const states = await tracer.readThreads(Int32Array.from(tids));
  const queues = states.flatMap(({ sharedSignals, privateSignals }) => [
    ...decodeQueue(sharedSignals).signals,
    ...decodeQueue(privateSignals).signals,
  ]);
  const ids = queues.map(({ siginfo }) => timerOf(siginfo)).filter((id) => id !== undefined);
  const byClock = new Map(timers.posix.map((timer) => [timer.it_id, timer.clock_id | 0]));
  return { real, posix: new Set(ids.filter((id) => !isCpuClock(byClock.get(id)))) };
}

/**
 * Turns an expired timer into one that is about to expire: at the restore it sends its signal itself, so the kernel
 * arms it again once that signal is taken.
 */
export function aboutToExpire(timers: TaskTimersEntry, expired: ExpiredTimers): TaskTimersEntry {
  if (!expired.real && expired.posix.size === 0) return timers;
  const { real, posix, ...others } = timers;
  return {
    ...others,
    real: expired.real ? { ...real, vsec: 0n, vusec: 1n } : real,
    posix: posix.map((timer): PosixTimerEntry =>
      expired.posix.has(timer.it_id) ? { ...timer, vsec: 0n, vnsec: 1n } : timer,
    ),
  };
}

/** A queue without the signals that expired POSIX timers will send. */
export function withoutExpired(
  queue: SignalQueueEntry,
  { posix }: ExpiredTimers,
): SignalQueueEntry {
  const { signals } = queue;
  if (signals.length === 0 || posix.size === 0) return queue;
  return { signals: signals.filter(({ siginfo }) => !posix.has(timerOf(siginfo) ?? -1)) };
}

function timerOf(siginfo: Uint8Array): number | undefined {
  const view = reader(siginfo);
  return view.readInt32LE(CODE) === SI_TIMER ? view.readInt32LE(TIMER_ID) : undefined;
}

/** Whether a clock stands still with the process, or is not a clock: such a timer could not expire at once. */
function isCpuClock(clock: number | undefined): boolean {
  return clock === undefined || clock < 0 || CPU_CLOCKS.includes(clock);
}

function isZero({ vsec, vusec }: ItimerEntry): boolean {
  return vsec === 0n && vusec === 0n;
}
