// SPDX-License-Identifier: Apache-2.0
import { closeSync, constants, openSync } from 'node:fs';
import type { HostPid } from '../../../common/ids.js';
import { SYS } from '../../../native/sys.js';
import type { PlanBuilder } from '../../plan/builder.js';
import type { Slot } from '../../plan/values.js';
import type { Sequence } from '../../plan/sequence.js';
import { CALL, idStructure } from '../../vas/kernel-abi.js';
import type { KernelDevice } from '../../vas/kernel-device.js';
import type { Pages, WantedPages } from '../pages.js';
import { PageEntries, splitExclusive, type ExclusiveRun } from './page-entries.js';

/** From this many bytes on, process_vm_readv(2) is faster. */
const WORTH_PINNING = 0x4000n;

/**
 * The process itself, which stands still. process_vm_readv(2) pins what it reads, and a pin ends the sharing of
 * pages that forks share: the process gets a copy of each (mm/gup.c, Linux 5.19). Reading /proc/PID/mem leaves them
 * as they are, but is slower for long runs of pages that are not shared.
 */
export class PagesOfProcess implements Pages {
  readonly fd: number;
  readonly #pid: HostPid;
  #entries: PageEntries | undefined;

  constructor(pid: HostPid) {
    this.#pid = pid;
    this.fd = openSync(`/proc/${String(pid)}/mem`, 'r');
  }

  close(): void {
    closeSync(this.fd);
    this.#entries?.close();
  }

  pull(sequence: Sequence, source: Slot, pages: WantedPages): void {
    const { what, from, to } = pages;
    for (const { start, length, isExclusive } of this.#parts(pages)) {
      const at = to + (start - from);
      if (isExclusive) sequence.pull(what, this.#pid, at, start, length);
      else sequence.pread(what, source, at, start, length);
    }
  }

  finish(): void {
    // The process is left as it is.
  }

  #parts({ from: start, length, isReadable }: WantedPages): readonly ExclusiveRun[] {
    if (!isReadable || length < WORTH_PINNING) return [{ start, length, isExclusive: false }];
    this.#entries ??= new PageEntries(this.#pid);
    const run = { start, length };
    return splitExclusive(run, WORTH_PINNING, this.#entries.read(run));
  }
}

/** The kernel's duplicate of a process, which is deleted once all of it is pulled. */
export class PagesOfDuplicate implements Pages {
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

  pull(sequence: Sequence, source: Slot, { what, from, to, length }: WantedPages): void {
    sequence.readVas(what, { device: source, id: this.#id }, to, from, length);
  }

  finish(builder: PlanBuilder, sequence: Sequence, source: Slot): void {
    const args = [source, CALL.delete, builder.data(idStructure(this.#id))];
    sequence.syscall('let go of the duplicate', SYS.ioctl, args);
  }
}

/** A file, such as a shared object by one of its mappings. Everyone who could write to it must stand still. */
export class PagesOfFile implements Pages {
  readonly fd: number;

  constructor(path: string) {
    this.fd = openSync(path, constants.O_RDONLY | constants.O_NOATIME);
  }

  close(): void {
    closeSync(this.fd);
  }

  pull(sequence: Sequence, source: Slot, { what, from, to, length }: WantedPages): void {
    sequence.pread(what, source, to, from, length);
  }

  finish(): void {
    // The file is left as it is.
  }
}
