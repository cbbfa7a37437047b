// SPDX-License-Identifier: Apache-2.0
import { closeSync, openSync } from 'node:fs';
import { SYS } from '../../native/sys.js';
import type { PlanBuilder, Sequence, Slot, Words } from '../plan/builder.js';
import { CALL, idStructure } from '../vas/kernel-abi.js';
import type { KernelDevice } from '../vas/kernel-device.js';
import { describeArea } from './area.js';
import { PageEntries, splitExclusive, type ExclusiveRun } from './page-entries.js';
import type { PageRun } from './page-runs.js';
import type { StoredArea } from './snapshot.js';

/** From so many bytes on process_vm_readv(2) is the quicker one. */
const WORTH_PINNING = 0x4000n;

/** Where a plan of the holder pulls the pages of one process from. */
export interface Pages {
  /** The descriptor that goes along with the plan. */
  readonly fd: number;
  /** To be called when the plan has run. */
  close(): void;
  /** Brings a run of an area's pages to its place. `source`: the descriptor. */
  pull(sequence: Sequence, source: Slot, area: StoredArea, run: PageRun): void;
  /** What is to be done when all is pulled. */
  finish(builder: PlanBuilder, sequence: Sequence, source: Slot): void;
}

/**
 * The process itself, which stands still. What process_vm_readv(2) reads it pins, and pages that forks
 * share lose that by a pin: the process gets a copy of each (mm/gup.c, Linux 5.19). Reading /proc/PID/mem
 * leaves them as they are, but is slower for long runs of pages that nobody shares.
 */
export class LivePages implements Pages {
  readonly fd: number;
  readonly #pid: number;
  #entries: PageEntries | undefined;

  constructor(pid: number) {
    this.#pid = pid;
    this.fd = openSync(`/proc/${String(pid)}/mem`, 'r');
  }

  close(): void {
    closeSync(this.fd);
    this.#entries?.close();
  }

  pull(sequence: Sequence, source: Slot, area: StoredArea, run: PageRun): void {
    for (const part of this.#parts(area, run)) {
      const [what, to] = describe(area, part);
      if (part.isExclusive) sequence.pull(what, this.#pid, to, part.start, part.length);
      else sequence.pread(what, source, to, part.start, part.length);
    }
  }

  finish(): void {
    // The process is left as it is.
  }

  #parts({ vma }: StoredArea, run: PageRun): readonly ExclusiveRun[] {
    if (!vma.read || run.length < WORTH_PINNING) return [{ ...run, isExclusive: false }];
    this.#entries ??= new PageEntries(this.#pid);
    return splitExclusive(run, WORTH_PINNING, this.#entries.read(run));
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

  get fd(): number {
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

function describe({ vma, place = 0n }: StoredArea, run: PageRun): [what: Words, to: bigint] {
  const what = () => `copy ${String(run.length)} bytes of ${describeArea(vma)}`;
  return [what, place + (run.start - vma.start)];
}
