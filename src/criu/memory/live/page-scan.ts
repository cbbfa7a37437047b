// SPDX-License-Identifier: Apache-2.0
import { setImmediate } from 'node:timers/promises';
import { PAGE } from '../../../native/abi/index.js';
import { addressOf, syscall } from '../../../native/index.js';
import { PAGE_IS_GUARD, PAGEMAP_SCAN } from '../../../native/kernel-facts.js';
import { check, SYS } from '../../../native/sys.js';
import type { Range } from '../ranges.js';

/** Categories of pages (linux/fs.h, PAGE_IS_*). */
export const CATEGORY = {
  /** In memory whose writes are tracked. */
  tracked: 1n,
  /** Written to since it was protected, or never protected. */
  written: 2n,
  file: 4n,
  present: 8n,
  swapped: 16n,
  zero: 32n,
  /** In a transparent huge page. */
  huge: 64n,
  guard: PAGE_IS_GUARD,
} as const;

/** PM_SCAN_WP_MATCHING: write-protects what is found; memory that is not tracked is left out. */
const PROTECT = 1n;
const REGION_WORDS = 3;
const REGIONS = 16384;
/** The results of one scan, reused by all scans: they are made one after the other. */
const words = new BigUint64Array(REGIONS * REGION_WORDS);

/** Which pages to find (PAGEMAP_SCAN, Linux 6.7). Sets of {@link CATEGORY}. */
export interface PageScanRequest extends Range {
  /** Pages that are found have all of these, */
  readonly all?: bigint;
  /** none of these, */
  readonly none: bigint;
  /** and any of these. */
  readonly any: bigint;
  /** Reported of what is found: pages that differ in these are reported separately. */
  readonly told?: bigint;
  /** Whether to write-protect what is found at the same time. */
  readonly protects?: boolean;
}

/** Pages that one scan of a running process protects: it holds its lock for less than a millisecond. */
const PAGES_AT_ONCE = 8192n;

/** Is told of contiguous pages of one kind, in order of address. */
export type FoundPages = (start: bigint, end: bigint, categories: bigint) => void;

/**
 * Scans page tables.
 *
 * @param fd /proc/PID/pagemap
 * @param label the process, for messages
 */
export function scanPages(
  fd: number,
  label: string,
  request: PageScanRequest,
  found: FoundPages,
): void {
  for (let from = request.start; from < request.end;) {
    from = scanFrom(from, { fd, label, request, most: 0n }, found);
  }
}

/** The same, a bit at a time: others, the event loop included, have their turn in between. */
export async function scanPagesSlowly(
  fd: number,
  label: string,
  request: PageScanRequest,
  found: FoundPages,
): Promise<void> {
  for (let from = request.start; from < request.end;) {
    from = scanFrom(from, { fd, label, request, most: PAGES_AT_ONCE }, found);
    await setImmediate();
  }
}

interface Scan {
  readonly fd: number;
  readonly label: string;
  readonly request: PageScanRequest;
  /** So many pages are found at most; 0: any number. */
  readonly most: bigint;
}

/** Scans from an address on. Returns where it has got to. */
function scanFrom(from: bigint, { fd, label, request, most }: Scan, found: FoundPages): bigint {
  const { end, all = 0n, none, any, told = 0n, protects = false } = request;
  const argument = BigUint64Array.of(
    96n, protects ? PROTECT : 0n, from, end, 0n, addressOf(new Uint8Array(words.buffer)), BigInt(REGIONS), most,
    none, all | none, any, told,
  ); // prettier-ignore
  const count = syscall(SYS.ioctl, fd, PAGEMAP_SCAN, argument);
  check(`scan the pages of ${label}`, count);
  const bytes = tell(count, found);
  // The kernel tells where a scan has ended only if it has not come to the end.
  const isOver = count < REGIONS && (most === 0n || bytes < most * PAGE);
  return isOver ? end : (argument[4] ?? end);
}

/** Tells of the regions that a scan has found. Returns how many bytes they have. */
function tell(count: number, found: FoundPages): bigint {
  let bytes = 0n;
  for (let at = 0; at < count * REGION_WORDS; at += REGION_WORDS) {
    const [start = 0n, end = 0n, categories = 0n] = [words[at], words[at + 1], words[at + 2]];
    bytes += end - start;
    found(start, end, categories);
  }
  return bytes;
}
