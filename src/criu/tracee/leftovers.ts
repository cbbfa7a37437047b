// SPDX-License-Identifier: Apache-2.0
import { closeSync, readSync } from 'node:fs';
import type { HostPid } from '../../common/ids.js';
import { PAGE } from '../../native/abi/index.js';
import type { Vma } from '../procfs/maps.js';
import { openMapped } from '../procfs/reader.js';

/** Offset of the mark in our page of code: behind the code. */
export const MARK_AT = 64;

const WORDS = Buffer.from('mvas-shim: a page of system calls\0');
const MARK_SIZE = WORDS.length + 16;
/** Far more than the frames of all threads can need. */
const LARGEST = 1n << 34n;

/** Memory of ours in a process. */
export interface Leftover {
  readonly start: bigint;
  readonly size: number;
}

/** The mark of a page of ours, which also says how much memory follows it. */
export function encodeMark({ start, size }: Leftover): Uint8Array {
  const numbers = Buffer.from(BigUint64Array.of(start, BigInt(size)).buffer);
  return Buffer.concat([WORDS, numbers]);
}

/** Where the address is in a mark. */
export const MARK_START = WORDS.length;

/** The inverse, for the bytes at an address; undefined if they are not such a mark. */
export function decodeMark(start: bigint, bytes: Uint8Array): Leftover | undefined {
  const mark = Buffer.from(bytes);
  if (mark.length < MARK_SIZE || !mark.subarray(0, WORDS.length).equals(WORDS)) return undefined;
  const size = mark.readBigUInt64LE(WORDS.length + 8);
  const isOurs = mark.readBigUInt64LE(WORDS.length) === start;
  if (!isOurs || size < PAGE || size % PAGE !== 0n || size > LARGEST) return undefined;
  return { start, size: Number(size) };
}

/**
 * What a killed checkpoint has left in a stopped process. If a thread is still on its way home through it, nothing
 * is found.
 *
 * @param areas what the process maps
 * @param instructions the addresses at which the threads of the process stand
 */
export function findLeftovers(
  pid: HostPid,
  areas: readonly Vma[],
  instructions: readonly bigint[],
): Leftover[] {
  const marked = areas.filter(mayBeCode).flatMap((area) => {
    const found = decodeMark(area.start, readMark(pid, area));
    return found && isWhole(areas, area, found) ? [found] : [];
  });
  return marked.filter((found) => !isInUse(found, instructions));
}

/** Executable shared anonymous memory: it has a file of its own, so it is never merged with other memory. */
function mayBeCode({ shared, path, deleted, offset, read, write, exec }: Vma): boolean {
  const isAnonymous = shared && path === '/dev/zero' && deleted && offset === 0n;
  return isAnonymous && read && exec && !write;
}

/** Whether nothing else is mapped in the range by now. */
function isWhole(areas: readonly Vma[], { inode }: Vma, { start, size }: Leftover): boolean {
  const end = start + BigInt(size);
  return areas.every((area) => area.end <= start || area.start >= end || area.inode === inode);
}

function isInUse({ start, size }: Leftover, instructions: readonly bigint[]): boolean {
  return instructions.some((at) => at >= start && at < start + BigInt(size));
}

/** Reads the file, not the process's memory, which the process itself may serve. */
function readMark(pid: HostPid, area: Vma): Uint8Array {
  const file = openMapped(pid, area, 'r');
  try {
    const bytes = new Uint8Array(MARK_SIZE);
    return bytes.subarray(0, readSync(file, bytes, 0, MARK_SIZE, MARK_AT));
  } finally {
    closeSync(file);
  }
}
