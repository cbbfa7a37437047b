// SPDX-License-Identifier: Apache-2.0
// Generated from proto/criu/timers.proto; do not edit.
/** Clocks and timers of a process. */
import type { NsTid } from '../../../common/ids.js';
import type { EnumTables, MessageTables } from '../../../common/wire/tables.js';

/** Seconds and microseconds. */
export interface Timeval {
  tv_sec: bigint;
  tv_usec: bigint;
}

/** Seconds and nanoseconds. */
export interface Timespec {
  tv_sec: bigint;
  tv_nsec: bigint;
}

/** Offsets of a time namespace. */
export interface TimensEntry {
  monotonic: Timespec;
  boottime: Timespec;
}

/** Interval (i) and value (v) of an itimer. */
export interface ItimerEntry {
  isec: bigint;
  iusec: bigint;
  vsec: bigint;
  vusec: bigint;
}

/** A POSIX timer with its remaining time. */
export interface PosixTimerEntry {
  it_id: number;
  clock_id: number;
  si_signo: number;
  it_sigev_notify: number;
  sival_ptr: bigint;
  overrun: number;
  isec: bigint;
  insec: bigint;
  vsec: bigint;
  vnsec: bigint;
  notify_thread_id?: NsTid | undefined;
}

/** All timers of a process. */
export interface TaskTimersEntry {
  real: ItimerEntry;
  virt: ItimerEntry;
  prof: ItimerEntry;
  posix: PosixTimerEntry[];
}

/** Field tables of this file's messages. */
export const TIMERS_MESSAGES = {
  timeval: [
    ['tv_sec', 1, 'required', 'uint64'],
    ['tv_usec', 2, 'required', 'uint64'],
  ],
  timespec: [
    ['tv_sec', 1, 'required', 'uint64'],
    ['tv_nsec', 2, 'required', 'uint64'],
  ],
  timens_entry: [
    ['monotonic', 1, 'required', 'timespec'],
    ['boottime', 2, 'required', 'timespec'],
  ],
  itimer_entry: [
    ['isec', 1, 'required', 'uint64'],
    ['iusec', 2, 'required', 'uint64'],
    ['vsec', 3, 'required', 'uint64'],
    ['vusec', 4, 'required', 'uint64'],
  ],
  posix_timer_entry: [
    ['it_id', 1, 'required', 'uint32'],
    ['clock_id', 2, 'required', 'uint32'],
    ['si_signo', 3, 'required', 'uint32'],
    ['it_sigev_notify', 4, 'required', 'uint32'],
    ['sival_ptr', 5, 'required', 'uint64'],
    ['overrun', 6, 'required', 'uint32'],
    ['isec', 7, 'required', 'uint64'],
    ['insec', 8, 'required', 'uint64'],
    ['vsec', 9, 'required', 'uint64'],
    ['vnsec', 10, 'required', 'uint64'],
    ['notify_thread_id', 11, 'optional', 'int32'],
  ],
  task_timers_entry: [
    ['real', 1, 'required', 'itimer_entry'],
    ['virt', 2, 'required', 'itimer_entry'],
    ['prof', 3, 'required', 'itimer_entry'],
    ['posix', 4, 'repeated', 'posix_timer_entry'],
  ],
} as const satisfies MessageTables;

/** Numbers of this file's enums. */
export const TIMERS_ENUMS = {} as const satisfies EnumTables;
