// SPDX-License-Identifier: Apache-2.0
import type { IpcDescEntry } from '../../image/types.js';

/** A line of /proc/sysvipc/shm. */
export interface SegmentLine {
  readonly desc: IpcDescEntry;
  readonly size: bigint;
  /** How often it is attached. */
  readonly attachments: number;
}

/** A line of /proc/sysvipc/sem. */
export interface SemaphoreLine {
  readonly desc: IpcDescEntry;
  readonly count: number;
}

/** A line of /proc/sysvipc/msg. */
export interface QueueLine {
  readonly desc: IpcDescEntry;
  /** Bytes and number of its messages. */
  readonly bytes: number;
  readonly count: number;
}

/** Parses /proc/sysvipc/shm (proc_sysvipc(5)). */
export function parseSegments(text: string): SegmentLine[] {
  return linesOf(text).map(({ fields, numbers }) => ({
    desc: descOf(numbers, 7),
    size: BigInt(fields[3] ?? '0'),
    attachments: numbers[6] ?? 0,
  }));
}

/** Parses /proc/sysvipc/sem. */
export function parseSemaphores(text: string): SemaphoreLine[] {
  return linesOf(text).map(({ numbers }) => ({ desc: descOf(numbers, 4), count: numbers[3] ?? 0 }));
}

/** Parses /proc/sysvipc/msg. */
export function parseQueues(text: string): QueueLine[] {
  return linesOf(text).map(({ numbers }) => {
    return { desc: descOf(numbers, 7), bytes: numbers[3] ?? 0, count: numbers[4] ?? 0 };
  });
}

/** A line of titles, then one for each object. The third field is octal. */
function linesOf(text: string): { readonly fields: string[]; readonly numbers: number[] }[] {
  const lines = text.split('\n').slice(1);
  return lines
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const fields = line.trim().split(/\s+/);
      return { fields, numbers: fields.map((field, at) => parseInt(field, at === 2 ? 8 : 10)) };
    });
}

/** @param owners which field is the owner's uid; gid, creator's uid and gid follow */
function descOf(numbers: readonly number[], owners: number): IpcDescEntry {
  const [key = 0, id = 0, mode = 0] = numbers;
  const [uid = 0, gid = 0, cuid = 0, cgid = 0] = numbers.slice(owners);
  return { key: key >>> 0, uid, gid, cuid, cgid, mode, id };
}
