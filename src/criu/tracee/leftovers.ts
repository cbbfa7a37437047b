// SPDX-License-Identifier: Apache-2.0
import { closeSync, readSync } from 'node:fs';
import type { HostPid } from '../../common/ids.js';
import { PAGE } from '../../native/abi/index.js';
import type { Vma } from '../procfs/maps.js';
import { openMapped } from '../procfs/reader.js';

/** Where in our page of code its mark is: behind the code. */
export const MARK_AT = 64;

const WORDS = Buffer.from('mvas-shim: a page of system calls\0');
const MARK_SIZE = WORDS.length + 16;
/** Far more than the frames of all threads can take. */
const LARGEST = 1n << 34n;

/** Memory of ours in a process. */
export interface Leftover {
  readonly start: bigint;
  readonly size: number;
}

/** What says of a page that it is ours, and how much behind it is. */
export function encodeMark({ start, size }: Leftover): Uint8Array {
  const numbers = Buffer.from(BigUint64Array.of(start, BigInt(size)).buffer);
  return Buffer.concat([WORDS, numbers]);
}

/** The inverse, for what lies at an address; undefined where that is not a mark of ours. */
export function decodeMark(start: bigint, bytes: Uint8Array): Leftover | undefined {
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
 * @param areas what the process maps
 * @param instructions addresses that the threads of the process stand at
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

/** Shared anonymous memory that can be executed: it has a file of its own, and so is never joined to others. */
function mayBeCode({ shared, path, deleted, offset, read, write, exec }: Vma): boolean {
  const isAnonymous = shared && path === '/dev/zero' && deleted && offset === 0n;
  return isAnonymous && read && exec && !write;
}

/** Whether no other memory lies in the range by now. */
function isWhole(areas: readonly Vma[], { inode }: Vma, { start, size }: Leftover): boolean {
  const end = start + BigInt(size);
  return areas.every((area) => area.end <= start || area.start >= end || area.inode === inode);
}

function isInUse({ start, size }: Leftover, instructions: readonly bigint[]): boolean {
  return instructions.some((at) => at >= start && at < start + BigInt(size));
}

/** Reads the file, not the process's memory, which may be served by the process itself. */
function readMark(pid: HostPid, area: Vma): Uint8Array {
  const file = openMapped(pid, area, 'r');
  try {
    const bytes = new Uint8Array(MARK_SIZE);
    return bytes.subarray(0, readSync(file, bytes, 0, MARK_SIZE, MARK_AT));
  } finally {
    closeSync(file);
  }
}
