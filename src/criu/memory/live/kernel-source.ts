// SPDX-License-Identifier: Apache-2.0
import type { VasId } from '../../../common/ids.js';
import { closeSync, openSync } from 'node:fs';
import { SYS } from '../../../native/sys.js';
import { PlanBuilder } from '../../plan/builder.js';
import { PlanPointer } from '../../plan/values.js';
import type { HostPid } from '../../../common/ids.js';
import { ShimError } from '../../../common/errors.js';
import { logger } from '../../../common/log.js';
import {
  deleteDuplicates,
  duplicateName,
  type Backend,
  type KernelBackend,
} from '../../vas/backend.js';
import type { HolderClient } from '../../vas/holder-client.js';
import { CALL, FORK, forkStructure } from '../../vas/kernel-abi.js';
import type { KernelDevice } from '../../vas/kernel-device.js';
import { only, type MemoryMap } from '../memory-map.js';
import type { KernelArea } from '../memory-plan.js';
import { isLeftOut } from '../why-copied.js';
import { FDS_AT_ONCE, fillMaps } from './fill.js';
import { clearHolder } from './kernel-areas.js';
import { copyStopped } from './live-source.js';
import { PagesOfDuplicate } from './pages-of.js';
import type { LiveProcess } from './process.js';
import type { ContainerMemory, MemorySource, NewHolder } from './source.js';

const log = logger('memory');

/** How a source uses the kernel. */
export interface KernelSourceOptions {
  /** The VAS that is filled. */
  readonly vasId: VasId;
  /** Insists on this backend: a refusal is an error. */
  readonly insists: boolean;
  /** The VAS's memory is to be limited, which the kernel does not do for duplicates. */
  readonly isLimited: boolean;
  /** The container goes on: the old content of what it changes would stay charged to it. */
  readonly leavesRunning: boolean;
}

/**
 * The kernel duplicates the memory of every process while the container stands still. If possible, that is all, and
 * the duplicates are the VAS; otherwise the holder copies from them later. Shared memory, and what a fork does not
 * take along, are copied at once.
 *
 * Duplicates are named after the VAS (see vas/backend.ts): whoever removes the VAS removes them.
 *
 * If the kernel refuses (because its limits are reached, say), the holder copies at once, unless the caller insists
 * on the kernel.
 */
export class KernelSource implements MemorySource {
  readonly #options: KernelSourceOptions;
  readonly #holder: HolderClient;
  readonly #holderPid: HostPid;
  readonly #device: KernelDevice;
  #held: ContainerMemory | undefined;
  #backend: Backend;

  /** Takes ownership of the device. */
  constructor(
    { holder, holderPid }: NewHolder,
    { device, backend }: KernelBackend,
    options: KernelSourceOptions,
  ) {
    this.#holder = holder;
    this.#holderPid = holderPid;
    this.#device = device;
    this.#backend = backend;
    this.#options = options;
  }

  get backend(): Backend {
    return this.#backend;
  }

  clear(base: bigint): Promise<readonly KernelArea[]> {
    return clearHolder(this.#holder, this.#holderPid, base);
  }

  async hold(memory: ContainerMemory, clear: () => Promise<unknown>): Promise<void> {
    await clear();
    this.#settle(memory);
    try {
      await this.#duplicateAll(memory);
    } catch (error) {
      if (this.#options.insists) throw error;
      const { vasId } = this.#options;
      log.warn('the kernel refuses, so the holder copies', { vas: vasId, error: String(error) });
      deleteDuplicates(vasId);
      this.#backend = 'holder';
      await copyStopped(this.#holder, memory);
      return;
    }
    const isCopied = this.#backend === 'kernel';
    const left = isCopied ? memory.maps.map((map) => only(map, isLeftOut)) : [];
    const maps = left.filter(({ areas }) => areas.length > 0);
    await copyStopped(this.#holder, { ...memory, maps });
    if (isCopied) this.#held = memory;
  }

  async fill(): Promise<void> {
    const { base = 0n, maps = [] } = this.#held ?? {};
    const taken = maps.map((map) => only(map, (area) => !isLeftOut(area)));
    const pagesOf = ({ pid }: MemoryMap): PagesOfDuplicate => {
      const id = this.#device.find(duplicateName(this.#options.vasId, pid));
      return new PagesOfDuplicate(this.#device, id);
    };
    await fillMaps(this.#holder, base, taken, { pagesOf });
  }

  close(): void {
    this.#device.close();
  }

  /** Duplicates cannot, or should not, always be the VAS. */
  #settle({ whyCopied }: ContainerMemory): void {
    if (this.#backend !== 'kernel-exec') return;
    const { vasId, insists, isLimited, leavesRunning } = this.#options;
    const why = isLimited ? 'the memory of its VAS is limited' : whyCopied;
    if (why === undefined && (insists || !leavesRunning)) return;
    if (insists) {
      throw new ShimError('failedPrecondition', `MVAS_BACKEND=kernel-exec: ${why ?? ''}`);
    }
    log.debug('the holder is to copy the duplicates', { vas: vasId, why: why ?? 'left running' });
    this.#backend = 'kernel';
  }

  async #duplicateAll({ base, processes }: ContainerMemory): Promise<void> {
    for (let first = 0; first < processes.length; first += FDS_AT_ONCE) {
      await this.#duplicate(processes.slice(first, first + FDS_AT_ONCE), base);
    }
  }

  /** The holder makes the calls, since they may take a while. */
  async #duplicate(processes: readonly LiveProcess[], base: bigint): Promise<void> {
    const builder = new PlanBuilder();
    const device = builder.slot();
    const sequence = builder.sequence('kernel');
    const files: number[] = [];
    try {
      for (const process of processes) {
        files.push(openSync(`/proc/${String(process.pid)}/mem`, 'r'));
        const name = duplicateName(this.#options.vasId, process.nsPid);
        const request = builder.data(forkStructure(name));
        // The word also sets the id behind the target, to 0.
        const target = new PlanPointer(request, FORK.target);
        sequence.poke('name the process', target, builder.slot());
        const what = `duplicate the memory of ${process.label}`;
        sequence.syscall(what, SYS.ioctl, [device, CALL.fork, request]);
      }
      sequence.end();
      await this.#holder.run(builder.finish(), base, sequence.offset, [this.#device.fd, ...files]);
    } finally {
      for (const file of files) closeSync(file);
    }
  }
}
