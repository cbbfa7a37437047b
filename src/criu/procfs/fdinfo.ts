// SPDX-License-Identifier: Apache-2.0
import { parseFileLock, type FileLock } from './fdinfo-lock.js';
import { Line, splitLines, toText, type ProcText } from '../../common/procfs/line.js';

/**
 * /proc/PID/fdinfo/FD. The link /proc/PID/fd/FD says which kind of file it is; lines that only one kind has are
 * read by that kind. Source: proc_pid_fdinfo(5) and the `show_fdinfo` functions of the kernel.
 */
export interface FdInfo {
  /** File position in bytes; for directories a cookie of the file system. */
  readonly pos: bigint;
  /** O_* flags of open(2), including O_CLOEXEC (of the descriptor) and O_LARGEFILE as the kernel sets it. */
  readonly flags: number;
  /** Mount the file was opened through: `id` of a mountinfo line, or of a mount inside the kernel. */
  readonly mountId: number;
  /** Undefined before Linux 5.14. */
  readonly inode: bigint | undefined;
  /** Locks and leases held through this file. */
  readonly locks: readonly FileLock[];
  /** All other lines. */
  readonly details: readonly Line[];
}

/** How the value of a line `key:\tvalue` is parsed. */
export type Convert<T> = (line: Line, value: string) => T;

/** The beginning of fdinfo files. Numbers that a double might not hold take the slow path. */
const USUAL =
  /^pos:\t(\d{1,15})\nflags:\t([0-7]{1,15})\nmnt_id:\t(\d{1,15})\nino:\t(\d{1,15})(?:\n|$)/;

/** Parses an fdinfo file. */
export function parseFdinfo(content: ProcText): FdInfo {
  const text = toText(content);
  const usual = USUAL.exec(text);
  if (!usual) return partsOf(text).finish();
  const [{ length }, pos, flags = '', mountId, inode] = usual;
  const { locks, details } = length === text.length ? NO_PARTS : partsOf(text.slice(length));
  return {
    pos: pos === '0' ? 0n : BigInt(Number(pos)),
    flags: parseInt(flags, 8),
    mountId: Number(mountId),
    inode: BigInt(Number(inode)),
    locks,
    details,
  };
}

/** The value of a line that one kind of files has; undefined if there is no such line. */
export function detail<T>({ details }: FdInfo, key: string, convert: Convert<T>): T | undefined {
  const line = details.find(({ text }) => text.startsWith(`${key}:`));
  return line && convert(line, valueOf(line, key));
}

function partsOf(text: string): FdinfoParts {
  const parts = new FdinfoParts();
  for (const line of splitLines('fdinfo', text)) parts.add(line);
  return parts;
}

class FdinfoParts {
  readonly #common = new Map<string, Line>();
  readonly locks: FileLock[] = [];
  readonly details: Line[] = [];

  add(line: Line): void {
    const key = line.text.slice(0, Math.max(line.text.indexOf(':'), 0));
    if (key === 'lock') this.locks.push(parseFileLock(line));
    else if (COMMON.has(key)) this.#common.set(key, line);
    else this.details.push(line);
  }

  finish(): FdInfo {
    return {
      pos: this.#required('pos', (line, value) => line.bigInteger(value)),
      flags: this.#required('flags', (line, value) => line.octal(value)),
      mountId: this.#required('mnt_id', (line, value) => line.integer(value)),
      inode: this.#optional('ino', (line, value) => line.bigInteger(value)),
      locks: this.locks,
      details: this.details,
    };
  }

  #required<T>(key: string, convert: Convert<T>): T {
    return this.#optional(key, convert) ?? new Line('fdinfo', `${key}: (missing)`).fail();
  }

  #optional<T>(key: string, convert: Convert<T>): T | undefined {
    const line = this.#common.get(key);
    return line && convert(line, valueOf(line, key));
  }
}

/** What follows the colon and white space. */
function valueOf({ text }: Line, key: string): string {
  return text.slice(key.length + 1).replace(/^[ \t]+/, '');
}

const COMMON: ReadonlySet<string> = new Set(['pos', 'flags', 'mnt_id', 'ino']);
/** One for all: nobody changes it. */
const NO_PARTS: Pick<FdInfo, 'locks' | 'details'> = { locks: [], details: [] };
