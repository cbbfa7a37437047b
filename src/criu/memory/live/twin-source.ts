// SPDX-License-Identifier: Apache-2.0
import type { HostPid, NsPid } from '../../../common/ids.js';
import { logger } from '../../../common/log.js';
import { forAll } from '../../../common/for-all.js';
import type { Twins } from '../../tracee/twins.js';
import type { StoppedThread } from '../../tracee/stopped-thread.js';
import { only, type MemoryMap } from '../memory-map.js';
import type { KernelArea } from '../memory-plan.js';
import { isLeftOut } from '../why-copied.js';
import { fillMaps } from './fill.js';
import { clearHolder } from './kernel-areas.js';
import { copyStopped } from './live-source.js';
import { PagesOfFile } from './pages-of.js';
import type { ContainerMemory, MemorySource, NewHolder, PlacedProcesses } from './source.js';

const log = logger('memory');

/** Makes the twins of a container that stands still. */
export interface TwinMaker {
  readonly twins: Twins;
  /** First threads of its processes, by container pid. */
  readonly leaders: ReadonlyMap<NsPid, StoppedThread>;
  /** Whether a process has so much memory that a twin is quicker than a copy. */
  readonly isWorthIt: (map: MemoryMap) => boolean;
  /** A failure to make one is an error. Otherwise everything is copied at once. */
  readonly insists: boolean;
}

/**
 * Copies the memory of twins, while the container runs. Shared memory, which a twin would not keep apart from the
 * running container, what a fork does not take along, and processes that have little are copied at once.
 */
export class TwinSource implements MemorySource {
  readonly backend = 'holder';
  readonly #new: NewHolder;
  readonly #maker: TwinMaker;
  readonly #pids = new Map<NsPid, HostPid>();
  #making: Promise<void> | undefined;
  #held: ContainerMemory | undefined;

  constructor(holder: NewHolder, maker: TwinMaker) {
    this.#new = holder;
    this.#maker = maker;
  }

  get twins(): number | undefined {
    return this.#pids.size === 0 ? undefined : this.#pids.size;
  }

  clear(base: bigint): Promise<readonly KernelArea[]> {
    return clearHolder(this.#new.holder, this.#new.holderPid, base);
  }

  begin({ maps }: PlacedProcesses): void {
    this.#making = this.#makeAll(maps);
    this.#making.catch(() => undefined); // hold() tells.
  }

  async hold(memory: ContainerMemory, clear: () => Promise<unknown>): Promise<void> {
    const { insists } = this.#maker;
    try {
      await (this.#making ?? this.#makeAll(memory.maps));
    } catch (error) {
      if (insists) throw error;
      log.warn('no twin can be made, so the holder copies', { error: String(error) });
      this.#pids.clear();
    }
    const maps = memory.maps.map((map) => (this.#pids.has(map.pid) ? only(map, isLeftOut) : map));
    const left = maps.filter(({ areas }) => areas.length > 0);
    if (left.length + memory.shared.length > 0) {
      await clear();
      await copyStopped(this.#new.holder, { ...memory, maps: left });
    }
    this.#held = memory;
  }

  async fill(): Promise<void> {
    const { base = 0n, maps = [] } = this.#held ?? {};
    this.#maker.twins.moveTo(this.#new.holderPid);
    const taken = maps.filter(({ pid }) => this.#pids.has(pid));
    const rest = taken.map((map) => only(map, (area) => !isLeftOut(area)));
    // All pages of a twin are shared: process_vm_readv(2) would pin them, and so give it a copy of each.
    const pagesOf = ({ pid }: MemoryMap) =>
      new PagesOfFile(`/proc/${String(this.#pids.get(pid) ?? 0)}/mem`);
    await fillMaps(this.#new.holder, base, rest, { pagesOf });
  }

  close(): void {
    // Whoever made the twins ends them.
  }

  async #makeAll(maps: readonly MemoryMap[]): Promise<void> {
    const { twins, leaders, isWorthIt } = this.#maker;
    await forAll(maps.filter(isWorthIt), async ({ pid }) => {
      const leader = leaders.get(pid);
      if (leader) this.#pids.set(pid, (await twins.make(leader)).pid);
    });
  }
}
