// SPDX-License-Identifier: Apache-2.0
import { writeFile } from 'node:fs/promises';
import { residentMemory } from '../test/helpers/procfs.js';
import type { DaemonMemory } from './figures.js';

/** Watches the memory of a shim daemon during checkpoint, and of one during restore. */
export class DaemonWatch {
  readonly #pid: number | undefined;
  #seen: Partial<DaemonMemory> = {};

  constructor(pid: number | undefined) {
    this.#pid = pid;
  }

  /** Notes the memory of a daemon whose container has just started: later, idle pages may be reclaimed. */
  async started(): Promise<void> {
    if (this.#pid === undefined) return;
    this.#seen = { beforeCheckpoint: (await residentMemory(this.#pid)).now };
  }

  /** Resets the peak (proc(5), clear_refs 5) right before a checkpoint. */
  async before(): Promise<void> {
    if (this.#pid === undefined) return;
    await writeFile(`/proc/${String(this.#pid)}/clear_refs`, '5');
  }

  async afterCheckpoint(): Promise<void> {
    if (this.#pid === undefined) return;
    const { now, peak } = await residentMemory(this.#pid);
    this.#seen = { ...this.#seen, peakDuringCheckpoint: peak, afterCheckpoint: now };
  }

  /** Notes the memory of the daemon that restored; it has done nothing else yet. */
  async afterRestore(pid: number | undefined): Promise<void> {
    if (pid === undefined) return;
    const { now, peak } = await residentMemory(pid);
    this.#seen = { ...this.#seen, peakDuringRestore: peak, afterRestore: now };
  }

  /** What was observed, if it is complete. */
  result(): { daemon?: DaemonMemory } {
    const { beforeCheckpoint, peakDuringRestore } = this.#seen;
    const complete = beforeCheckpoint !== undefined && peakDuringRestore !== undefined;
    return complete ? { daemon: this.#seen as DaemonMemory } : {};
  }
}
