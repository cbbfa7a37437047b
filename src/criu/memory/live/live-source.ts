// SPDX-License-Identifier: Apache-2.0
import type { HolderClient } from '../../vas/holder-client.js';
import type { KernelArea } from '../memory-plan.js';
import { fillMaps, fillShared } from './fill.js';
import { clearHolder } from './kernel-areas.js';
import { PagesOfFile, PagesOfProcess } from './pages-of.js';
import { hostPids, objectPath } from './process.js';
import type { ContainerMemory, MemorySource, NewHolder } from './source.js';

/** The holder copies everything while the container stands still. */
export class LiveSource implements MemorySource {
  readonly backend = 'holder';
  readonly #new: NewHolder;

  constructor(holder: NewHolder) {
    this.#new = holder;
  }

  clear(base: bigint): Promise<readonly KernelArea[]> {
    return clearHolder(this.#new.holder, this.#new.holderPid, base);
  }

  async hold(memory: ContainerMemory, clear: () => Promise<unknown>): Promise<void> {
    await clear();
    await copyStopped(this.#new.holder, memory);
  }

  fill(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    // It has nothing open.
  }
}

/** Copies the memory of stopped processes, and the objects they share, into the holder. */
export async function copyStopped(
  holder: HolderClient,
  { base, maps, shared, processes }: ContainerMemory,
): Promise<void> {
  const pidOf = hostPids(processes);
  await fillMaps(holder, base, maps, { pagesOf: ({ pid }) => new PagesOfProcess(pidOf(pid)) });
  await fillShared(holder, base, shared, (object) => {
    return new PagesOfFile(objectPath(object, pidOf));
  });
}
