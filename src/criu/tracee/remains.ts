// SPDX-License-Identifier: Apache-2.0
import { readProcess } from '../../native/sys.js';
import type { Vma } from '../procfs/maps.js';
import { readMaps } from '../procfs/reader.js';

/** Where in our page of code its mark is: behind the code. */
export const MARK_AT = 64;

const PAGE = 4096n;
const WORDS = Buffer.from('mvas-shim: a page of system calls\0');
const MARK_SIZE = WORDS.length + 16;
/** Far more than the frames of all threads can take. */
const LARGEST = 1n << 34n;

/** Memory of ours in a process. */
export interface Remains {
  readonly start: bigint;
  readonly size: number;
}

/** What says of a page that it is ours, and how much behind it is. */
export function encodeMark({ start, size }: Remains): Uint8Array {
  const numbers = Buffer.from(BigUint64Array.of(start, BigInt(size)).buffer);
  return Buffer.concat([WORDS, numbers]);
}

/** The inverse, for what lies at an address; undefined where that is no mark of ours. */
export function decodeMark(start: bigint, bytes: Uint8Array): Remains | undefined {
  const mark = Buffer.from(bytes);
  if (mark.length < MARK_SIZE || !mark.subarray(0, WORDS.length).equals(WORDS)) return undefined;
  const size = mark.readBigUInt64LE(WORDS.length + 8);
  const isOurs = mark.readBigUInt64LE(WORDS.length) === start;
  if (!isOurs || size < PAGE || size % PAGE !== 0n || size > LARGEST) return undefined;
  return { start, size: Number(size) };
}

/**
 * What a checkpoint that was killed has left in a stopped process. Where a thread is still on its way
 * home from there, nothing is found.
 *
 * @param instructions addresses that the threads of the process stand at
 */
export function findRemains(pid: number, instructions: readonly bigint[]): Remains[] {
  const areas = readMaps(pid);
  const marked = areas.filter(mayBeCode).flatMap((area) =>
    // Others may have been joined to the area, before and behind it.
    [...new Set([area.start, area.end - PAGE])].flatMap((start) => {
      const found = decodeMark(start, readMark(pid, start));
      return found ? [found] : [];
    }),
  );
  return marked.filter((found) => isPlain(areas, found) && !isInUse(found, instructions));
}

function isAnonymous({ shared, inode, path, special }: Vma): boolean {
  return !shared && inode === 0n && path === '' && special === '';
}

function mayBeCode(area: Vma): boolean {
  return isAnonymous(area) && area.read && area.exec && !area.write;
}

/** Whether no other kind of memory lies in the range by now. */
function isPlain(areas: readonly Vma[], { start, size }: Remains): boolean {
  const end = start + BigInt(size);
  return areas.every((area) => area.end <= start || area.start >= end || isAnonymous(area));
}

function isInUse({ start, size }: Remains, instructions: readonly bigint[]): boolean {
  return instructions.some((at) => at >= start && at < start + BigInt(size));
}

function readMark(pid: number, start: bigint): Uint8Array {
  try {
    return readProcess(pid, start + BigInt(MARK_AT), MARK_SIZE);
  } catch {
    return new Uint8Array(); // Pages behind the end of what can be read.
  }
}
