// SPDX-License-Identifier: Apache-2.0
import { words, type Line } from '../../common/procfs/line.js';

const KINDS = {
  POSIX: 'posix',
  OFDLCK: 'ofd',
  FLOCK: 'flock',
  LEASE: 'lease',
  DELEG: 'delegation',
} as const;
const ACCESSES = { READ: 'read', WRITE: 'write', UNLCK: 'unlock' } as const;

/** A lock or lease held through a file. Source: lock_get_status() in fs/locks.c. */
export interface FileLock {
  /** Number in the list of this file. */
  readonly id: number;
  /** POSIX locks belong to a process, OFD and flock locks to the open file. */
  readonly kind: (typeof KINDS)[keyof typeof KINDS];
  /** Of a lease that is being broken: what it will become. */
  readonly access: (typeof ACCESSES)[keyof typeof ACCESSES];
  /** A lease or delegation whose breaking someone waits for. */
  readonly breaking: boolean;
  /** Process that took it, in the reader's pid namespace: 0 if it is not in there, -1 for OFD locks. */
  readonly pid: number;
  /** Undefined if the lock has no inode. The superblock's device number. */
  readonly file:
    { readonly major: number; readonly minor: number; readonly inode: bigint } | undefined;
  /** First byte. */
  readonly start: bigint;
  /** Last byte, inclusive; undefined means up to the end of the file. */
  readonly end: bigint | undefined;
}

/** Parses `lock:\t1: POSIX  ADVISORY  WRITE 41 fe:00:247278 0 EOF`. */
export function parseFileLock(line: Line): FileLock {
  const [, id, rest] = line.match(/^lock:\t([0-9]+): (.*)$/s);
  const [kind, mode, access, pid, file, start, end, ...more] = words(line.present(rest));
  if (more.length > 0) line.fail();
  return {
    id: line.integer(id),
    kind: lookUp(line, KINDS, kind),
    access: lookUp(line, ACCESSES, access),
    breaking: mode === 'BREAKING',
    pid: line.integer(pid),
    file: parseFile(line, line.present(file)),
    start: line.bigInteger(start),
    end: end === 'EOF' ? undefined : line.bigInteger(end),
  };
}

function parseFile(line: Line, text: string): FileLock['file'] {
  if (text === '<none>:0') return undefined;
  const [, major, minor, inode] = /^([0-9a-f]+):([0-9a-f]+):([0-9]+)$/.exec(text) ?? line.fail();
  return {
    major: line.hexInteger(major),
    minor: line.hexInteger(minor),
    inode: line.bigInteger(inode),
  };
}

function lookUp<T>(line: Line, table: Readonly<Record<string, T>>, word: string | undefined): T {
  const name = line.present(word);
  return Object.hasOwn(table, name) ? (table[name] ?? line.fail()) : line.fail();
}
