// SPDX-License-Identifier: Apache-2.0
import type { HolderClient } from '../../vas/holder-client.js';
import { fillMaps, fillShared } from './fill.js';
import { PagesOfFile, PagesOfProcess } from './pages-of.js';
import { hostPids, mappedLink } from './process.js';
import type { ContainerMemory, MemorySource } from './source.js';

/** The holder copies everything while the container stands still. */
export class LiveSource implements MemorySource {
  readonly backend = 'holder';
  readonly #holder: HolderClient;

  constructor(holder: HolderClient) {
    this.#holder = holder;
  }

  hold(memory: ContainerMemory): Promise<void> {
    return copyStopped(this.#holder, memory);
  }

  fill(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    // Nothing is open.
  }
}

/** Copies memory of stopped processes, and what they share, into the holder. */
export async function copyStopped(
  holder: HolderClient,
  { base, maps, shared, processes }: ContainerMemory,
): Promise<void> {
  const pidOf = hostPids(processes);
  await fillMaps(holder, base, maps, ({ pid }) => new PagesOfProcess(pidOf(pid)));
  await fillShared(holder, base, shared, ({ mapping }) => {
    return new PagesOfFile(mappedLink(pidOf(mapping.pid), mapping));
  });
}
