// SPDX-License-Identifier: Apache-2.0
import { closeSync, openSync, readSync } from 'node:fs';
import { syscall, addressOf } from '../../native/index.js';
import { check, SYS } from '../../native/sys.js';
import type { TracedProcess } from '../tracee/tracee.js';
import { appendRun, type PageRun } from './page-runs.js';

/** Which pages of a range are wanted. */
export type Wanted =
  /** What is stored in anonymous memory: present or swapped, not the zero page. */
  | 'anonymous'
  /** The same, of a private file mapping: pages written to, not those of the file. */
  | 'private-file'
  /** Whatever is in shared memory, swapped pages included. */
  | 'shared'
  /** Guards (madvise(2), MADV_GUARD_INSTALL), which can be told from other pages since Linux 6.15. */
  | 'guards';

const PAGE = 4096n;
/** `_IOWR('f', 16, struct pm_scan_arg)` (linux/fs.h, Linux 6.7). */
const PAGEMAP_SCAN = 0xc0606610;
const CATEGORY = { file: 4n, present: 8n, swapped: 16n, zero: 32n, guard: 256n } as const;
const REGION_SIZE = 24;
const REGIONS = 4096;
const ENOTTY = -25;
const EINVAL = -22;

/** Bits of a /proc/PID/pagemap entry (kernel admin-guide/mm/pagemap.rst). */
const PRESENT = 1n << 63n;
const SWAPPED = 1n << 62n;
const FILE = 1n << 61n;
/** A guard; it counts as swapped as well. */
const GUARD = 1n << 58n;

/** Which pages PAGEMAP_SCAN tells of, by their categories. */
interface Filter {
  readonly every: bigint;
  readonly some: bigint;
  readonly none: bigint;
}

/** Finds stored pages of processes, by PAGEMAP_SCAN where the kernel has it. */
export class PageFinder {
  readonly #label: string;
  readonly #fd: number;
  #canScan = process.env['MVAS_NO_PAGEMAP_SCAN'] === undefined;
  #knowsGuards = true;

  constructor({ pid, label }: TracedProcess) {
    this.#label = label;
    this.#fd = openSync(`/proc/${String(pid)}/pagemap`, 'r');
  }

  close(): void {
    closeSync(this.#fd);
  }

  /** Runs of the wanted pages in a range, in order. The process should stand still. */
  find(start: bigint, end: bigint, wanted: Wanted): PageRun[] {
    if (this.#canScan) {
      const runs = this.#scanWanted(start, end, wanted);
      if (runs) return runs;
      this.#canScan = false; // before Linux 6.7
    }
    return this.#read(start, end, wanted);
  }

  #scanWanted(start: bigint, end: bigint, wanted: Wanted): PageRun[] | undefined {
    if (this.#knowsGuards) {
      const runs = this.#scan(start, end, filterFor(wanted, CATEGORY.guard));
      if (runs) return runs;
      this.#knowsGuards = false; // before Linux 6.15
    }
    return wanted === 'guards' ? [] : this.#scan(start, end, filterFor(wanted, 0n));
  }

  /** undefined when the kernel has no PAGEMAP_SCAN, or does not know a category. */
  #scan(start: bigint, end: bigint, filter: Filter): PageRun[] | undefined {
    const regions = new BigUint64Array((REGIONS * REGION_SIZE) / 8);
    const runs: PageRun[] = [];
    let from = start;
    while (from < end) {
      const argument = BigUint64Array.of(
        96n, 0n, from, end, 0n, addressOf(new Uint8Array(regions.buffer)), BigInt(REGIONS), 0n,
        filter.none, filter.none | filter.every, filter.some, CATEGORY.present | filter.every,
      ); // prettier-ignore
      const count = syscall(SYS.ioctl, this.#fd, PAGEMAP_SCAN, argument, regions);
      if (count === ENOTTY || count === EINVAL) return undefined;
      check(`scan the pages of ${this.#label}`, count);
      for (let i = 0; i < count; i++)
        appendRun(runs, regions[i * 3] ?? 0n, regions[i * 3 + 1] ?? 0n);
      from = argument[4] ?? end;
      if (count < REGIONS) break;
    }
    return runs;
  }

  #read(start: bigint, end: bigint, wanted: Wanted): PageRun[] {
    const runs: PageRun[] = [];
    const buffer = Buffer.alloc(65536);
    for (let at = start; at < end;) {
      const pages = Math.min(Number((end - at) / PAGE), buffer.length / 8);
      const got = readSync(this.#fd, buffer, 0, pages * 8, Number(at / PAGE) * 8);
      if (got === 0) break;
      for (let i = 0; i * 8 < got; i++) {
        const entry = buffer.readBigUInt64LE(i * 8);
        const page = at + BigInt(i) * PAGE;
        if (isWanted(entry, wanted)) appendRun(runs, page, page + PAGE);
      }
      at += BigInt(got / 8) * PAGE;
    }
    return runs;
  }
}

/** `guard`: the category of guards, or 0 where the kernel does not know it. */
function filterFor(wanted: Wanted, guard: bigint): Filter {
  if (wanted === 'guards') return { every: guard, some: 0n, none: 0n };
  const file = wanted === 'private-file' ? CATEGORY.file : 0n;
  const some = CATEGORY.present | CATEGORY.swapped;
  return { every: 0n, some, none: CATEGORY.zero | guard | file };
}

function isWanted(entry: bigint, wanted: Wanted): boolean {
  const isGuard = (entry & GUARD) !== 0n;
  if (isGuard || wanted === 'guards') return isGuard && wanted === 'guards';
  if ((entry & (PRESENT | SWAPPED)) === 0n) return false;
  return wanted !== 'private-file' || (entry & FILE) === 0n;
}
