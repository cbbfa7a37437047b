// SPDX-License-Identifier: Apache-2.0
import { Line, splitLines, type ProcText } from '../../common/procfs/line.js';

/** A POSIX timer of a process (timer_create(2)). Only timer_gettime(2) inside the process returns its times. */
export interface PosixTimer {
  /** The kernel's id, as timer_settime(2) takes it. */
  readonly id: number;
  /** Signal number that it was created with; for `none` any number. */
  readonly signal: number;
  /** The sigval it delivers. */
  readonly value: bigint;
  /** SIGEV_SIGNAL, SIGEV_NONE, SIGEV_THREAD. */
  readonly notify: 'signal' | 'none' | 'thread';
  /** SIGEV_THREAD_ID: the signal goes to the thread `target`, else to the process `target`. */
  readonly toThread: boolean;
  /** In the pid namespace of the reading procfs; 0 if that thread is gone. */
  readonly target: number;
  /** Negative for CPU clocks of processes and threads. */
  readonly clockId: number;
}

const WAYS = ['signal', 'none', 'thread'] as const;
const LINES_PER_TIMER = 4;
const NO_LINE = new Line('timers', '');

/** Parses /proc/PID/timers, newest timer first. Source: show_timer() in fs/proc/base.c; Linux 3.10. */
export function parseTimers(content: ProcText): readonly PosixTimer[] {
  const lines = splitLines('timers', content);
  const timers: PosixTimer[] = [];
  for (let at = 0; at < lines.length; at += LINES_PER_TIMER) {
    timers.push(parseTimer(lines.slice(at, at + LINES_PER_TIMER)));
  }
  return timers;
}

function parseTimer([id, signal, notify, clock]: readonly Line[]): PosixTimer {
  if (!id || !signal || !notify || !clock) return (notify ?? signal ?? id ?? NO_LINE).fail();
  const [, number, value] = signal.match(/^signal: (-?[0-9]+)\/(?:0x)?([0-9a-f]+)$/);
  const [, way, scope, target] = notify.match(/^notify: ([a-z]+)\/(tid|pid)\.([0-9]+)$/);
  return {
    id: id.integer(/^ID: (.*)$/.exec(id.text)?.[1]),
    signal: signal.integer(number),
    value: signal.hex(value),
    notify: WAYS.find((name) => name === way) ?? notify.fail(),
    toThread: scope === 'tid',
    target: notify.integer(target),
    clockId: clock.integer(/^ClockID: (.*)$/.exec(clock.text)?.[1]),
  };
}
