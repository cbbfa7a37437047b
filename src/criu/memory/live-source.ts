// SPDX-License-Identifier: Apache-2.0
import type { HolderClient } from '../vas/holder-client.js';
import { fillProcesses, fillShared } from './fill.js';
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
    await fillProcesses(this.#holder, base, memories, ({ pid }) => new LivePages(pid));
    await fillShared(this.#holder, base, shared);
  }

  fill(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    // Nothing is open.
  }
}
