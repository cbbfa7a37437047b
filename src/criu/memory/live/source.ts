// SPDX-License-Identifier: Apache-2.0
import type { Backend } from '../../vas/backend.js';
import type { MemoryMap, SharedObject } from '../memory-map.js';
import type { LiveProcess } from './process.js';

/** The memory of a container, judged and placed. */
export interface ContainerMemory {
  /** Where the holder's own range begins. */
  readonly base: bigint;
  readonly maps: readonly MemoryMap[];
  readonly shared: readonly SharedObject[];
  /** Whose memory it is. */
  readonly processes: readonly LiveProcess[];
  /** Why the kernel's duplicates cannot be the VAS; undefined: they can. See whyCopied. */
  readonly whyCopied?: string | undefined;
}

/** Brings the memory of a container into an empty holder, in two steps. */
export interface MemorySource {
  readonly backend: Backend;
  /** While the container stands still: from then on nothing it does shows in the VAS. Once. */
  hold(memory: ContainerMemory): Promise<void>;
  /** The rest, while the container runs or waits: then everything is in the holder. Once. */
  fill(): Promise<void>;
  /** Closes what the source has open. */
  close(): void;
}
