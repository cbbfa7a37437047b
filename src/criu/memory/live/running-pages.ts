// SPDX-License-Identifier: Apache-2.0
import { closeSync, openSync } from 'node:fs';
import type { HostPid } from '../../../common/ids.js';
import type { PlanBuilder } from '../../plan/builder.js';
import type { PlanData, Slot } from '../../plan/values.js';
import type { Sequence } from '../../plan/sequence.js';
import { appendRun, type PageRun } from '../page-runs.js';
import type { Pages, WantedPages } from '../pages.js';

/** Bytes read at once: if a page is gone, at most the rest of these is left to be copied later. */
const CHUNK = 0x40000n;
const ROW = 3;

/**
 * A process that runs: its pages may change, and go, while they are read. It is read by /proc/PID/mem, which pins
 * no page, so forks of the process continue to share them, and which takes its lock for one page at a time.
 */
export class PagesOfRunning implements Pages {
  readonly fd: number;
  readonly #builder: PlanBuilder;
  readonly #asked: { readonly from: bigint; readonly rows: BigUint64Array }[] = [];

  constructor(pid: HostPid, builder: PlanBuilder) {
    this.fd = openMemory(pid);
    this.#builder = builder;
  }

  /** What has been read, once the plan has run; in order of address. */
  copied(): PageRun[] {
    const runs: PageRun[] = [];
    const asked = this.#asked.sort((a, b) => (a.from < b.from ? -1 : 1));
    for (const { rows } of asked) {
      for (let at = 0; at < rows.length; at += ROW) {
        const [from = 0n, length = 0n] = [rows[at + 1], rows[at + 2]];
        if (length > 0n) appendRun(runs, from, from + length);
      }
    }
    return runs;
  }

  close(): void {
    closeSync(this.fd);
  }

  pull(sequence: Sequence, source: Slot, { what, from, to, length }: WantedPages): void {
    const count = Number((length + CHUNK - 1n) / CHUNK);
    const rows = new BigUint64Array(count * ROW);
    for (let row = 0; row < count; row++) {
      const offset = BigInt(row) * CHUNK;
      const rest = length - offset;
      rows.set([to + offset, from + offset, rest < CHUNK ? rest : CHUNK], row * ROW);
    }
    this.#asked.push({ from, rows });
    const data: PlanData = this.#builder.answer(new Uint8Array(rows.buffer));
    sequence.preadRows(what, source, data);
  }

  finish(): void {
    // The process is left as it is.
  }
}

/** Of a process that has ended, nothing can be read. */
function openMemory(pid: HostPid): number {
  try {
    return openSync(`/proc/${String(pid)}/mem`, 'r');
  } catch {
    return openSync('/dev/null', 'r');
  }
}
