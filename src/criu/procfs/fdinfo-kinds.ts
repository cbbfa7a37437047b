// SPDX-License-Identifier: Apache-2.0
import { words, type Line } from './line.js';

/** A file an epoll instance watches. Source: ep_show_fdinfo(). */
export interface EpollTarget {
  /** Number it was added by; the descriptor may be closed or stand for another file since. */
  readonly fd: number;
  /** EPOLL* bits, flags such as EPOLLET (1 << 31) included. */
  readonly events: number;
  /** What the application gave as epoll_data. */
  readonly data: bigint;
  /** Identity of the file: position, inode and device; undefined before Linux 4.13. */
  readonly file:
    { readonly pos: bigint; readonly inode: bigint; readonly sdev: bigint } | undefined;
}

/** Parses `tfd: 3 events: 19 data: ff  pos:0 ino:3e8 sdev:9`. */
export function parseEpollTarget(line: Line): EpollTarget {
  const [, fd, events, data, pos, inode, sdev] = line.match(
    /^tfd: *(\d+) events: *([0-9a-f]+) data: *([0-9a-f]+)(?: +pos:(-?\d+) ino:([0-9a-f]+) sdev:([0-9a-f]+))?$/,
  );
  const file =
    pos === undefined
      ? undefined
      : { pos: line.bigInteger(pos), inode: line.hex(inode), sdev: line.hex(sdev) };
  return { fd: line.integer(fd), events: line.hexInteger(events), data: line.hex(data), file };
}

/** A watch of an inotify instance. Source: inotify_fdinfo() in fs/notify/fdinfo.c. */
export interface InotifyWatch {
  readonly wd: number;
  readonly inode: bigint;
  /** Device of the inode's superblock as the kernel keeps it: major << 20 | minor. */
  readonly sdev: bigint;
  /** IN_* bits. */
  readonly mask: number;
  /** Handle for open_by_handle_at(2); undefined when the file system gives none. */
  readonly handle: { readonly type: number; readonly bytes: Uint8Array } | undefined;
}

/** Parses `inotify wd:1 ino:… sdev:… mask:… ignored_mask:… [fhandle-bytes:… fhandle-type:… f_handle:…]`. */
export function parseInotifyWatch(line: Line): InotifyWatch {
  const fields = new Map<string, string>();
  for (const word of words(line.text).slice(1)) {
    const colon = word.indexOf(':');
    if (colon < 0) line.fail();
    fields.set(word.slice(0, colon), word.slice(colon + 1));
  }
  return {
    wd: line.hexInteger(fields.get('wd')),
    inode: line.hex(fields.get('ino')),
    sdev: line.hex(fields.get('sdev')),
    mask: line.hexInteger(fields.get('mask')),
    handle: parseHandle(line, fields),
  };
}

function parseHandle(line: Line, fields: ReadonlyMap<string, string>): InotifyWatch['handle'] {
  const size = fields.get('fhandle-bytes');
  if (size === undefined) return undefined;
  const text = line.present(fields.get('f_handle'));
  const bytes = Uint8Array.from(Buffer.from(text, 'hex'));
  if (bytes.length !== line.hexInteger(size) || text.length !== 2 * bytes.length) line.fail();
  return { type: line.hexInteger(fields.get('fhandle-type')), bytes };
}

/** State of a timerfd. Source: timerfd_show(). */
export interface TimerfdInfo {
  readonly clockId: number;
  /** Expirations not read yet. */
  readonly ticks: bigint;
  /** TFD_TIMER_* flags of timerfd_settime. */
  readonly settimeFlags: number;
  /** Time left until it expires, always relative, in nanoseconds; 0 when disarmed. */
  readonly valueNs: bigint;
  readonly intervalNs: bigint;
}

const TIMERFD_LINE =
  /^(clockid|ticks|settime flags|it_value|it_interval): *(?:\((\d+), (\d+)\)|(-?\d+))$/;

/** Collects the five lines of a timerfd. */
export class TimerfdLines {
  readonly #lines = new Map<string, Line>();

  /** Takes the line if it is one of a timerfd. */
  add(line: Line): boolean {
    const key = TIMERFD_LINE.exec(line.text)?.[1];
    if (key === undefined) return false;
    this.#lines.set(key, line);
    return true;
  }

  /** The timer; undefined when there were no such lines. `settime flags` came with Linux 3.19. */
  finish(): TimerfdInfo | undefined {
    const [first] = this.#lines.values();
    if (!first) return undefined;
    const line = (key: string): Line => this.#lines.get(key) ?? first.fail();
    const word = (key: string): string | undefined => TIMERFD_LINE.exec(line(key).text)?.[4];
    return {
      clockId: line('clockid').integer(word('clockid')),
      ticks: line('ticks').bigInteger(word('ticks')),
      settimeFlags: line('settime flags').octal(word('settime flags')),
      valueNs: nanoseconds(line('it_value')),
      intervalNs: nanoseconds(line('it_interval')),
    };
  }
}

function nanoseconds(line: Line): bigint {
  const [, , seconds, rest] = line.match(TIMERFD_LINE);
  return line.bigInteger(seconds) * 1_000_000_000n + line.bigInteger(rest);
}
