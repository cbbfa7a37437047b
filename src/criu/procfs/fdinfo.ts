// SPDX-License-Identifier: Apache-2.0
import { parseFileLock, type FileLock } from './fdinfo-lock.js';
import {
  parseEpollTarget,
  parseInotifyWatch,
  TimerfdLines,
  type EpollTarget,
  type InotifyWatch,
  type TimerfdInfo,
} from './fdinfo-kinds.js';
import { Line, splitLines, type ProcText } from './line.js';

/**
 * /proc/PID/fdinfo/FD. Which kind of file it is, the link /proc/PID/fd/FD says: an epoll without
 * targets or an inotify without watches writes no line of its own. Source: proc_pid_fdinfo(5) and the
 * `show_fdinfo` functions of the kernel.
 */
export interface FdInfo {
  /** File position in bytes; for directories a cookie of the file system. */
  readonly pos: bigint;
  /** O_* flags of open(2), O_CLOEXEC (of the descriptor) included, and O_LARGEFILE as the kernel sets it. */
  readonly flags: number;
  /** Mount the file was opened through: `id` of a mountinfo line, or of a mount inside the kernel. */
  readonly mountId: number;
  /** undefined before Linux 5.14. */
  readonly inode: bigint | undefined;
  readonly eventfd: EventfdInfo | undefined;
  readonly epollTargets: readonly EpollTarget[];
  /** Mask of a signalfd; bit N-1 is signal N. */
  readonly signalMask: bigint | undefined;
  readonly timerfd: TimerfdInfo | undefined;
  readonly inotifyWatches: readonly InotifyWatch[];
  readonly pidfd: PidfdInfo | undefined;
  /** Index of the slave that belongs to a pseudo terminal master; Linux 5.5. */
  readonly ttyIndex: number | undefined;
  /** Locks and leases held through this file. */
  readonly locks: readonly FileLock[];
  /** Lines of other kinds (fanotify, io_uring, bpf, dma-buf, tun), as they are. */
  readonly extras: readonly string[];
}

/** Counter of an eventfd. */
export interface EventfdInfo {
  readonly count: bigint;
  /** undefined before Linux 6.5, where it cannot be seen. */
  readonly semaphore: boolean | undefined;
}

/** Process that a pidfd refers to. */
export interface PidfdInfo {
  /** In the reader's pid namespace: 0 when not in it, -1 when the process has been reaped. */
  readonly pid: number;
  /** From the reader's pid namespace to the process's own. */
  readonly nsPid: readonly number[];
}

/** Parses an fdinfo file. */
export function parseFdinfo(content: ProcText): FdInfo {
  const parts = new FdinfoParts();
  for (const line of splitLines('fdinfo', content)) parts.add(line);
  return parts.finish();
}

class FdinfoParts {
  readonly #fields = new Map<string, { line: Line; value: string }>();
  readonly #timerfd = new TimerfdLines();
  readonly #epollTargets: EpollTarget[] = [];
  readonly #inotifyWatches: InotifyWatch[] = [];
  readonly #locks: FileLock[] = [];
  readonly #extras: string[] = [];

  add(line: Line): void {
    const [, key, value] = /^([A-Za-z_-]+):[ \t]*(.*)$/s.exec(line.text) ?? [];
    if (line.text.startsWith('inotify ')) this.#inotifyWatches.push(parseInotifyWatch(line));
    else if (key === 'tfd') this.#epollTargets.push(parseEpollTarget(line));
    else if (key === 'lock') this.#locks.push(parseFileLock(line));
    else if (key !== undefined && value !== undefined && KNOWN_KEYS.has(key)) {
      this.#fields.set(key, { line, value });
    } else if (!this.#timerfd.add(line)) this.#extras.push(line.text);
  }

  finish(): FdInfo {
    return {
      pos: this.#required('pos', (line, value) => line.bigInteger(value)),
      flags: this.#required('flags', (line, value) => line.octal(value)),
      mountId: this.#required('mnt_id', (line, value) => line.integer(value)),
      inode: this.#optional('ino', (line, value) => line.bigInteger(value)),
      eventfd: this.#eventfd(),
      epollTargets: this.#epollTargets,
      signalMask: this.#optional('sigmask', (line, value) => line.hex(value)),
      timerfd: this.#timerfd.finish(),
      inotifyWatches: this.#inotifyWatches,
      pidfd: this.#pidfd(),
      ttyIndex: this.#optional('tty-index', (line, value) => line.integer(value)),
      locks: this.#locks,
      extras: this.#extras,
    };
  }

  #eventfd(): EventfdInfo | undefined {
    const count = this.#optional('eventfd-count', (line, value) => line.hex(value));
    if (count === undefined) return undefined;
    const semaphore = this.#optional('eventfd-semaphore', (line, value) => line.integer(value));
    return { count, semaphore: semaphore === undefined ? undefined : semaphore !== 0 };
  }

  #pidfd(): PidfdInfo | undefined {
    const pid = this.#optional('Pid', (line, value) => line.integer(value));
    if (pid === undefined) return undefined;
    const nsPid = this.#optional('NSpid', (line, value) => line.integers(value));
    return { pid, nsPid: nsPid ?? [pid] };
  }

  #required<T>(key: string, convert: (line: Line, value: string) => T): T {
    return this.#optional(key, convert) ?? new Line('fdinfo', `${key}: (missing)`).fail();
  }

  #optional<T>(key: string, convert: (line: Line, value: string) => T): T | undefined {
    const field = this.#fields.get(key);
    return field && convert(field.line, field.value);
  }
}

const KNOWN_KEYS: ReadonlySet<string> = new Set([
  'pos',
  'flags',
  'mnt_id',
  'ino',
  'eventfd-count',
  'eventfd-id',
  'eventfd-semaphore',
  'sigmask',
  'Pid',
  'NSpid',
  'tty-index',
]);
