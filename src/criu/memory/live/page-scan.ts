// SPDX-License-Identifier: Apache-2.0
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

/** Called with contiguous pages of one kind, in order of address. */
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
  { start, end, all = 0n, none, any, told = 0n, protects = false }: PageScanRequest,
  found: FoundPages,
): void {
  const flags = protects ? PROTECT : 0n;
  for (let from = start; from < end;) {
    const argument = BigUint64Array.of(
      96n, flags, from, end, 0n, addressOf(new Uint8Array(words.buffer)), BigInt(REGIONS), 0n,
      none, all | none, any, told,
    ); // prettier-ignore
    const count = syscall(SYS.ioctl, fd, PAGEMAP_SCAN, argument);
    check(`scan the pages of ${label}`, count);
    for (let at = 0; at < count * REGION_WORDS; at += REGION_WORDS) {
      found(words[at] ?? 0n, words[at + 1] ?? 0n, words[at + 2] ?? 0n);
    }
    if (count < REGIONS) break;
    from = argument[4] ?? end;
  }
}
