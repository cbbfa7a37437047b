// SPDX-License-Identifier: Apache-2.0
import { closeSync, openSync, readSync } from 'node:fs';
import { ShimError } from '../../common/errors.js';
import type { HostPid } from '../../common/ids.js';
import { PAGE } from '../../native/abi/index.js';
import { PageEntries } from '../memory/live/page-entries.js';
import { appendRun, type PageRun } from '../memory/page-runs.js';
import type { Range } from '../memory/ranges.js';
import type { PagePair } from './differing-pages.js';

/** Bytes that are looked at in one go. */
const STEP = 4n << 20n;
const SIZE = Number(PAGE);
const ZEROS = Buffer.alloc(SIZE);
/** Of the upper half of an entry of /proc/PID/pagemap: present, or swapped. */
const STORED = 0xc0000000;
/** The same, and the rest of the number of the frame. */
const FRAME = 0xc07fffff;

/** Memory of a holder, which does not change. Close it after use. */
export class HeldMemory {
  readonly #pid: HostPid;
  readonly #entries: PageEntries;
  readonly #memory: number;

  constructor(pid: HostPid) {
    this.#pid = pid;
    this.#entries = new PageEntries(pid);
    this.#memory = openSync(`/proc/${String(pid)}/mem`, 'r');
  }

  close(): void {
    this.#entries.close();
    closeSync(this.#memory);
  }

  /** The pages of a range that are there. */
  present({ start, end }: Range): PageRun[] {
    const runs: PageRun[] = [];
    for (const part of stepsOf(end - start)) {
      const from = start + part.start;
      const words = this.entries(from, part.length);
      for (let page = 0; page * 2 < words.length; page++) {
        if (((words[page * 2 + 1] ?? 0) & STORED) === 0) continue;
        const at = from + BigInt(page) * PAGE;
        appendRun(runs, at, at + PAGE);
      }
    }
    return runs;
  }

  /** What the kernel says of pages, two words each. */
  entries(start: bigint, length: bigint): Uint32Array {
    return this.#entries.read({ start, length });
  }

  read(start: bigint, length: bigint): Buffer {
    const bytes = Buffer.allocUnsafe(Number(length));
    for (let done = 0; done < bytes.length;) {
      const at = start + BigInt(done);
      const got = readSync(this.#memory, bytes, done, bytes.length - done, at);
      if (got === 0) {
        const message = `pid ${String(this.#pid)}: its memory has gone: the VAS is lost`;
        throw new ShimError('failedPrecondition', message);
      }
      done += got;
    }
    return bytes;
  }
}

/** How many bytes of the pages differ in their content. */
export function differingBytes(before: HeldMemory, after: HeldMemory, pair: PagePair): number {
  let pages = 0;
  for (const { start, length } of stepsOf(pair.length)) {
    const a = pair.before === undefined ? undefined : pair.before + start;
    const b = pair.after === undefined ? undefined : pair.after + start;
    if (a !== undefined && b !== undefined) pages += differing(before, after, { a, b, length });
    else if (a !== undefined) pages += unlikeZeros(before.read(a, length));
    else if (b !== undefined) pages += unlikeZeros(after.read(b, length));
  }
  return pages * SIZE;
}

/** Pages with the same frame have the same content; of others it is compared. */
function differing(
  before: HeldMemory,
  after: HeldMemory,
  { a, b, length }: { readonly a: bigint; readonly b: bigint; readonly length: bigint },
): number {
  const ours = before.entries(a, length);
  const theirs = after.entries(b, length);
  const runs: PageRun[] = [];
  for (let page = 0; page * 2 < ours.length; page++) {
    if (hasSameFrame(ours, theirs, page * 2)) continue;
    const at = BigInt(page) * PAGE;
    appendRun(runs, at, at + PAGE);
  }
  return runs.reduce((sum, run) => {
    const [left, right] = [
      before.read(a + run.start, run.length),
      after.read(b + run.start, run.length),
    ];
    return sum + countUnequal(left, (from, end) => right.subarray(from, end));
  }, 0);
}

function hasSameFrame(ours: Uint32Array, theirs: Uint32Array, word: number): boolean {
  const [upper = 0, other = 0] = [ours[word + 1], theirs[word + 1]];
  return ours[word] === theirs[word] && ((upper ^ other) & FRAME) === 0;
}

function unlikeZeros(bytes: Buffer): number {
  return countUnequal(bytes, () => ZEROS);
}

function countUnequal(bytes: Buffer, other: (from: number, end: number) => Buffer): number {
  let count = 0;
  for (let from = 0; from < bytes.length; from += SIZE) {
    const end = from + SIZE;
    if (!bytes.subarray(from, end).equals(other(from, end))) count++;
  }
  return count;
}

function* stepsOf(length: bigint): Iterable<PageRun> {
  for (let start = 0n; start < length; start += STEP) {
    yield { start, length: length - start < STEP ? length - start : STEP };
  }
}
