// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../../common/errors.js';
import { SIGNALS } from '../../../native/abi/index.js';
import { check, SYS } from '../../../native/sys.js';
import type { ItimerEntry, PosixTimerEntry, TaskTimersEntry } from '../../image/types.js';
import type { PosixTimer } from '../../procfs/timers.js';
import type { TracedProcess } from '../../tracee/tracee.js';
import { onceEach } from './once-each.js';
import { plainQuery, queryRemotely, type RemoteAnswer, type RemoteQuery } from './remote-query.js';
import { reader } from '../../../native/structures.js';

const ITIMERS = [0, 1, 2] as const;
const TIMESPECS_SIZE = 32;
const SIGSET_SIZE = 8;
/** What a process may have pending if that cannot be told. */
const ANY_SIGNAL = (1n << 64n) - 1n;
const MOST_TIMERS = 1 << 16;
const MOST_SECONDS = 1n << 62n;

/** Values of sigev_notify. Source: asm-generic/siginfo.h. */
const SIGEV = { signal: 0, none: 1, thread: 2, threadId: 4 } as const;

/** One for all that are not set: nobody changes it, so it is encoded once. */
const OFF: ItimerEntry = Object.freeze({ isec: 0n, iusec: 0n, vsec: 0n, vusec: 0n });

/** Timers of a process, and which signals were pending for it or its leader afterwards (a mask). */
export interface TimerDump {
  readonly entry: TaskTimersEntry;
  readonly pending: bigint;
}

/** The same for all processes: first the itimers, and at the end what is pending once all timers have been read. */
const ITIMER_QUERIES = ITIMERS.map((which) => timeQuery(SYS.getitimer, which));
const PENDING_QUERY: RemoteQuery = {
  nr: SYS.rt_sigpending,
  args: (room) => [room, SIGSET_SIZE],
  room: SIGSET_SIZE,
};

/** Timers of a process with their remaining times: itimers, and `timers` of /proc/PID/timers. */
export async function dumpTimers(
  process: TracedProcess,
  timers: readonly PosixTimer[],
): Promise<TimerDump> {
  const sorted = [...timers].sort((a, b) => a.id - b.id);
  const answers = await queryRemotely(process.leader, [
    ...ITIMER_QUERIES,
    ...sorted.map((timer) => timeQuery(SYS.timer_gettime, timer.id)),
    ...sorted.map((timer) => plainQuery(SYS.timer_getoverrun, timer.id)),
    PENDING_QUERY,
  ]);
  const pending = pendingIn(answers.at(-1));
  const itimers = itimersIn(answers, process.label);
  if (sorted.length === 0) return { entry: itimers, pending };
  const posix = sorted.map((timer, index): PosixTimerEntry => {
    const what = `read timer ${String(timer.id)} of ${process.label}`;
    const [isec, insec, vsec, vnsec] = times(what, answers[ITIMERS.length + index]);
    const overrun = answers[ITIMERS.length + sorted.length + index]?.result ?? 0n;
    return {
      ...describeTimer(timer, process),
      overrun: Math.max(0, Number(overrun)),
      isec,
      insec,
      vsec,
      vnsec,
    };
  });
  return { entry: { ...itimers, posix }, pending };
}

/** Itimers alone. Processes that answer the same share them. */
const itimersIn = onceEach(toItimers);

function toItimers(answers: readonly RemoteAnswer[], label: string): TaskTimersEntry {
  const [real = OFF, virt = OFF, prof = OFF] = ITIMERS.map((which) => {
    const what = `read itimer ${String(which)} of ${label}`;
    const [isec, iusec, vsec, vusec] = times(what, answers[which]);
    const isOff = (isec | iusec | vsec | vusec) === 0n;
    return isOff ? OFF : ({ isec, iusec, vsec, vusec } satisfies ItimerEntry);
  });
  return Object.freeze({ real, virt, prof, posix: [] });
}

function pendingIn(answer: RemoteAnswer | undefined): bigint {
  if (answer?.result !== 0n) return ANY_SIGNAL;
  return reader(answer.bytes).readBigUInt64LE(0);
}

function timeQuery(nr: number, timer: number): RemoteQuery {
  return { nr, args: (room) => [timer, room], room: TIMESPECS_SIZE };
}

type FourWords = [bigint, bigint, bigint, bigint];

function times(what: string, answer: RemoteAnswer | undefined): FourWords {
  check(what, Number(answer?.result ?? -1n));
  const view = reader(answer?.bytes ?? new Uint8Array(TIMESPECS_SIZE));
  return [0, 8, 16, 24].map((at) => view.readBigUInt64LE(at)) as FourWords;
}

function describeTimer(timer: PosixTimer, process: TracedProcess) {
  const target = process.threads.find((thread) => thread.tid === timer.target);
  const notify = notifyOf(timer, target !== undefined);
  return {
    it_id: timer.id,
    clock_id: timer.clockId >>> 0,
    si_signo: timer.signal >>> 0,
    it_sigev_notify: notify,
    sival_ptr: timer.value,
    ...(timer.toThread && target ? { notify_thread_id: target.nsTid } : {}),
  };
}

/** A timer whose thread has ended signals nobody, like one that was created so. */
function notifyOf(timer: PosixTimer, hasTarget: boolean): number {
  if (timer.notify === 'none' || (timer.toThread && !hasTarget)) return SIGEV.none;
  const way = timer.notify === 'thread' ? SIGEV.thread : SIGEV.signal;
  return timer.toThread ? way | SIGEV.threadId : way;
}

/** Throws `dataLoss` for timers that no kernel would have had. */
export function checkTimers(where: string, timers: TaskTimersEntry | undefined): void {
  if (!timers) return;
  if (timers.posix.length > MOST_TIMERS)
    badImage(`${where}: ${String(timers.posix.length)} timers`);
  const ids = new Set(timers.posix.map((timer) => timer.it_id));
  if (ids.size !== timers.posix.length) badImage(`${where}: two timers of one id`);
  for (const timer of timers.posix) {
    const hasTimes = [timer.isec, timer.insec, timer.vsec, timer.vnsec].every(
      (t) => t < MOST_SECONDS,
    );
    // A timer that signals nobody may have any number (good_sigevent in kernel/time/posix-timers.c).
    const hasSignal = timer.it_sigev_notify === SIGEV.none || timer.si_signo <= SIGNALS;
    if (timer.it_id > 0x7fffffff || !hasSignal || timer.it_sigev_notify > 6 || !hasTimes) {
      badImage(`${where}: timer ${String(timer.it_id)} is impossible`);
    }
  }
}
