// SPDX-License-Identifier: Apache-2.0
import type { HostPid, NsPid } from '../../../common/ids.js';
import type { Backend } from '../../vas/backend.js';
import type { HolderClient } from '../../vas/holder-client.js';
import type { Layout } from '../layout.js';
import type { MemoryMap, SharedObject } from '../memory-map.js';
import type { KernelArea } from '../memory-plan.js';
import type { PageRun } from '../page-runs.js';
import type { LiveProcess } from './process.js';
import type { CopiedAhead } from './take-memory.js';

/** The memory of a container, judged and placed. */
export interface ContainerMemory {
  /** Where the holder's own range begins. */
  readonly base: bigint;
  readonly layout: Layout;
  readonly maps: readonly MemoryMap[];
  readonly shared: readonly SharedObject[];
  /** The processes that have the memory. */
  readonly processes: readonly LiveProcess[];
  /** Pages, by container pid, that have not been written to since they were protected (pre-copy.ts). */
  readonly clean: ReadonlyMap<NsPid, readonly PageRun[]>;
  /** Why the kernel's duplicates cannot be the VAS; undefined if they can. See whyCopied. */
  readonly whyCopied?: string | undefined;
}

/** The same before all is known that has a place there: of shared objects, files without a name are missing. */
export type PlacedProcesses = Pick<ContainerMemory, 'base' | 'maps'>;

/** Brings the memory of a container into an empty holder, in two steps. */
export interface MemorySource {
  readonly backend: Backend;
  /** What has been copied while the container ran; undefined if nothing was. */
  readonly ahead?: CopiedAhead;
  /** How many processes are copied from twins; undefined if none. Known once memory is held. */
  readonly twins?: number | undefined;
  /**
   * Empties the holder, whose own range will begin at `base`; called once, before {@link fill}. Returns where the kernel's
   * areas are then.
   */
  clear(base: bigint): Promise<readonly KernelArea[]>;
  /** May be called before {@link hold}, with the same maps: begins what takes the kernel a while. */
  begin?(memory: PlacedProcesses): void;
  /**
   * Called once, while the container stands still: from then on, what it does no longer affects the VAS.
   *
   * @param clear calls {@link clear}, unless that has been done; needed only before something is copied to the holder
   */
  hold(memory: ContainerMemory, clear: () => Promise<unknown>): Promise<void>;
  /** Called once, for the rest, while the container runs or waits: after that, everything is in the holder. */
  fill(): Promise<void>;
  /** Closes everything that the source has open. */
  close(): void;
}

/** The holder of a new VAS. */
export interface NewHolder {
  readonly holder: HolderClient;
  readonly holderPid: HostPid;
}
