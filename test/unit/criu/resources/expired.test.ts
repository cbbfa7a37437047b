// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import type { PosixTimerEntry, TaskTimersEntry } from '../../../../src/criu/image/types.js';
import {
  aboutToExpire,
  findExpired,
  withoutExpired,
} from '../../../../src/criu/resources/attributes/expired.js';
import { timersProblem } from '../../../../src/criu/resources/attributes/timer-limits.js';
import type { Tracer } from '../../../../src/native/index.js';
import type { TracedProcess } from '../../../../src/criu/tracee/tracee.js';

const [SI_TIMER, SI_QUEUE, SIGRTMIN] = [-2, -1, 34];
const [CLOCK_MONOTONIC, CLOCK_CPU] = [1, 2];

function siginfo(code: number, timer: number): Buffer {
  const bytes = Buffer.alloc(128);
  bytes.writeInt32LE(SIGRTMIN, 0);
  bytes.writeInt32LE(code, 8);
  bytes.writeInt32LE(timer, 16);
  return bytes;
}

function timer(it_id: number, clock_id = CLOCK_MONOTONIC): PosixTimerEntry {
  const event = { si_signo: SIGRTMIN, it_sigev_notify: 0, sival_ptr: 0n, overrun: 0 };
  return { it_id, clock_id, ...event, isec: 5n, insec: 6n, vsec: 0n, vnsec: 0n };
}

function timers(...posix: readonly PosixTimerEntry[]): TaskTimersEntry {
  const none = { isec: 0n, iusec: 0n, vsec: 0n, vusec: 0n };
  return { real: { ...none, isec: 7n }, virt: none, prof: none, posix: [...posix] };
}

/** This process, with signals pending in its two queues. */
function find(entry: TaskTimersEntry, own: readonly Buffer[], shared: readonly Buffer[]) {
  const state = { privateSignals: Buffer.concat(own), sharedSignals: Buffer.concat(shared) };
  const tracer = { readThreads: () => Promise.resolve([state]) } as unknown as Tracer;
  const target = { pid: process.pid, threads: [{ tid: process.pid }] } as unknown as TracedProcess;
  return findExpired(target, { entry, pending: 0n }, tracer);
}

test('timers have expired whose signal is pending by now', async (t) => {
  const all = timers(timer(1), timer(2), timer(3), timer(4, CLOCK_CPU));
  const own = [siginfo(SI_TIMER, 1)];
  const shared = [siginfo(SI_TIMER, 3), siginfo(SI_TIMER, 4), siginfo(SI_QUEUE, 2)];
  const expired = await find(all, own, shared);
  t.deepEqual([...expired.posix].sort(), [1, 3], 'a clock of CPU time does not run on by itself');
  t.false(expired.real);
});

test('expired timers are about to expire, and keep their intervals', (t) => {
  const before = timers(timer(1), timer(2));
  const after = aboutToExpire(before, { real: true, posix: new Set([2]) });
  t.deepEqual(after.real, { ...before.real, vusec: 1n });
  t.deepEqual(after.posix, [timer(1), { ...timer(2), vnsec: 1n }]);
  t.deepEqual(aboutToExpire(before, { real: false, posix: new Set() }), before);
});

test('they make their signals themselves', (t) => {
  const queue = [siginfo(SI_TIMER, 1), siginfo(SI_TIMER, 2), siginfo(SI_QUEUE, 2)];
  const signals = queue.map((info) => ({ siginfo: info }));
  const left = withoutExpired({ signals }, { real: false, posix: new Set([2]) });
  t.deepEqual(left.signals, [signals[0], signals[2]]);
});

test('high ids are refused where the kernel numbers timers itself', (t) => {
  t.regex(timersProblem(timers(timer(100_000)), false) ?? '', /^timer 100000: .* Linux 6.15/);
  t.is(timersProblem(timers(timer(99_999)), false), undefined);
  t.is(timersProblem(timers(timer(100_000)), true), undefined);
});
