// SPDX-License-Identifier: Apache-2.0
import { closeSync, openSync, readSync } from 'node:fs';
import { ShimError } from '../../../common/errors.js';
import type { HostPid } from '../../../common/ids.js';
import { PAGE } from '../../../native/abi/index.js';
import type { PageRun } from '../page-runs.js';

/** In the upper half of an entry of /proc/PID/pagemap: bit 56, exclusively mapped. */
const EXCLUSIVE = 1 << 24;

/** Reads /proc/PID/pagemap of a process that stands still (kernel admin-guide/mm/pagemap.rst). */
export class PageEntries {
  readonly #pid: HostPid;
  readonly #fd: number;

  constructor(pid: HostPid) {
    this.#pid = pid;
    this.#fd = openSync(`/proc/${String(pid)}/pagemap`, 'r');
  }

  close(): void {
    closeSync(this.#fd);
  }

  /** The entries of a run, two words each: the lower half comes first. */
  read({ start, length }: PageRun): Uint32Array {
    const words = new Uint32Array(Number(length / PAGE) * 2);
    const position = Number(start / PAGE) * 8;
    for (let done = 0; done < words.byteLength;) {
      const got = readSync(this.#fd, words, done, words.byteLength - done, position + done);
      if (got === 0) {
        throw new ShimError('aborted', `pid ${String(this.#pid)}: its memory has gone`);
      }
      done += got;
    }
    return words;
  }
}

/** Pages that are either all mapped by one process only, or may all be mapped by others, too. */
export interface ExclusiveRun extends PageRun {
  readonly isExclusive: boolean;
}

/** Splits a run where its pages start or cease to be exclusive; parts shorter than `least` bytes do not count. */
export function splitExclusive(run: PageRun, least: bigint, entries: Uint32Array): ExclusiveRun[] {
  const parts: ExclusiveRun[] = [];
  const add = (first: number, end: number, exclusive: boolean): void => {
    const length = BigInt(end - first) * PAGE;
    const isExclusive = exclusive && length >= least;
    const last = parts.at(-1);
    if (last && !last.isExclusive && !isExclusive) {
      parts[parts.length - 1] = { ...last, length: last.length + length };
    } else if (length > 0n) {
      parts.push({ start: run.start + BigInt(first) * PAGE, length, isExclusive });
    }
  };
  const count = entries.length / 2;
  let first = 0;
  let current = false;
  for (let page = 0; page < count; page++) {
    const exclusive = ((entries[page * 2 + 1] ?? 0) & EXCLUSIVE) !== 0;
    if (exclusive === current) continue;
    add(first, page, current);
    first = page;
    current = exclusive;
  }
  add(first, count, current);
  return parts;
}
