// SPDX-License-Identifier: Apache-2.0
import type { HolderClient } from '../vas/holder-client.js';
import { fillProcess, fillShared } from './fill.js';
import { LivePages } from './pages.js';
import type { ContainerMemory, MemorySource } from './source.js';

/** The holder copies everything while the container stands still. */
export class LiveSource implements MemorySource {
  readonly backend = 'holder';
  readonly #holder: HolderClient;

  constructor(holder: HolderClient) {
    this.#holder = holder;
  }

  async hold({ base, memories, shared }: ContainerMemory): Promise<void> {
    for (const memory of memories) {
      await fillProcess(this.#holder, base, memory, new LivePages(memory.process.pid));
    }
    await fillShared(this.#holder, base, shared);
  }

  fill(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    // Nothing is open.
  }
}
