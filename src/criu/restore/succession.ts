// SPDX-License-Identifier: Apache-2.0
import { Haste } from '../tracee/haste.js';
import { holdMemoryOf, type OldMemory } from './old-memory.js';
import type { Predecessor } from './predecessor.js';

/**
 * The time in which a container stands still because another one takes its place: from right before its processes are
 * killed until the new ones run.
 */
export class Succession {
  readonly #memory: OldMemory;
  readonly #haste: Haste;

  constructor(predecessor: Predecessor) {
    this.#memory = holdMemoryOf(predecessor);
    this.#haste = new Haste();
    this.#haste.begin();
  }

  /** A further call does nothing. */
  end(): void {
    this.#haste.end();
    this.#memory.letGo();
  }
}
