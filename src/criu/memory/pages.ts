// SPDX-License-Identifier: Apache-2.0
import { closeSync, openSync } from 'node:fs';
import { SYS } from '../../native/sys.js';
import type { PlanBuilder, Sequence, Slot } from '../plan/builder.js';
import { CALL, idStructure } from '../vas/kernel-abi.js';
import type { KernelDevice } from '../vas/kernel-device.js';
import { describeArea } from './area.js';
import type { PageRun } from './page-runs.js';
import type { StoredArea } from './snapshot.js';

/** Where a plan of the holder pulls the pages of one process from. */
export interface Pages {
  /** Opens the descriptor that goes along with the plan. */
  open(): number;
  close(fd: number): void;
  /** Brings a run of an area's pages to its place. `source`: the descriptor. */
  pull(sequence: Sequence, source: Slot, area: StoredArea, run: PageRun): void;
  /** What is to be done when all is pulled. */
  finish(builder: PlanBuilder, sequence: Sequence, source: Slot): void;
}

/** The process itself, which stands still. */
export class LivePages implements Pages {
  readonly #pid: number;

  constructor(pid: number) {
    this.#pid = pid;
  }

  open(): number {
    return openSync(`/proc/${String(this.#pid)}/mem`, 'r');
  }

  close(fd: number): void {
    closeSync(fd);
  }

  pull(sequence: Sequence, source: Slot, area: StoredArea, run: PageRun): void {
    const [what, to] = describe(area, run);
    if (area.vma.read) sequence.pull(what, this.#pid, to, run.start, run.length);
    else sequence.pread(what, source, to, run.start, run.length);
  }

  finish(): void {
    // The process is left as it is.
  }
}

/** The kernel's duplicate of a process, which goes when all of it is pulled. */
export class DuplicatePages implements Pages {
  readonly #device: KernelDevice;
  readonly #id: number;

  constructor(device: KernelDevice, id: number) {
    this.#device = device;
    this.#id = id;
  }

  open(): number {
    return this.#device.fd;
  }

  close(): void {
    // The device stays open.
  }

  pull(sequence: Sequence, source: Slot, area: StoredArea, run: PageRun): void {
    const [what, to] = describe(area, run);
    sequence.readVas(what, { device: source, id: this.#id }, to, run.start, run.length);
  }

  finish(builder: PlanBuilder, sequence: Sequence, source: Slot): void {
    const args = [source, CALL.delete, builder.data(idStructure(this.#id))];
    sequence.syscall('let go of the duplicate', SYS.ioctl, args);
  }
}

function describe({ vma, place = 0n }: StoredArea, run: PageRun): [what: string, to: bigint] {
  const what = `copy ${String(run.length)} bytes of ${describeArea(vma)}`;
  return [what, place + (run.start - vma.start)];
}
