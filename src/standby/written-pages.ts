// SPDX-License-Identifier: Apache-2.0
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { MADV_POPULATE_WRITE } from '../native/abi/index.js';
import { syscall } from '../native/index.js';
import { SYS } from '../native/sys.js';

const PAGE = 4096n;
const WORD = 8;
/** Of an entry of /proc/PID/pagemap: mapped by this process alone (Linux 4.2). */
const EXCLUSIVE = 1n << 56n;
/** `START-END rw-p` in /proc/PID/maps: private memory that can be written to. */
const PRIVATE = /^([0-9a-f]+)-([0-9a-f]+) rw.p /gm;

/** Ranges of memory: start and length of each, in bytes. */
export type Ranges = BigUint64Array;

/**
 * In a fork: the pages that it has written to, and has copies of. Where its original writes too, or has never written,
 * its own count as well.
 */
export function writtenPages(): Ranges {
  const ranges: bigint[] = [];
  const fd = openSync('/proc/self/pagemap', 'r');
  try {
    for (const [, start = '', end = ''] of readFileSync('/proc/self/maps', 'latin1').matchAll(
      PRIVATE,
    )) {
      add(ranges, fd, BigInt(`0x${start}`), BigInt(`0x${end}`));
    }
  } finally {
    closeSync(fd);
  }
  return BigUint64Array.from(ranges);
}

function add(ranges: bigint[], pagemap: number, start: bigint, end: bigint): void {
  const entries = new BigUint64Array(Number((end - start) / PAGE));
  readSync(pagemap, entries, 0, entries.byteLength, Number(start / PAGE) * WORD);
  let length = 0n;
  entries.forEach((entry, at) => {
    const isWritten = (entry & EXCLUSIVE) !== 0n;
    if (isWritten) length += PAGE;
    if (length > 0n && (!isWritten || at === entries.length - 1)) {
      const after = start + BigInt(isWritten ? at + 1 : at) * PAGE;
      ranges.push(after - length, length);
      length = 0n;
    }
  });
}

/** Copies pages before they are written to. What cannot be copied, by now or in old kernels, is copied when it is. */
export function copyPages(ranges: Ranges): void {
  for (let at = 0; at < ranges.length; at += 2) {
    syscall(SYS.madvise, ranges[at] ?? 0n, ranges[at + 1] ?? 0n, MADV_POPULATE_WRITE);
  }
}
