// SPDX-License-Identifier: Apache-2.0
import type { Exit } from '../reaper.js';
import { createCold, type ColdParts } from './cold-start.js';
import { createInit } from './launch.js';
import type { OwnSnapshot } from './own-snapshot.js';
import type { Surroundings } from './ports.js';
import type { TaskProcess } from './process.js';
import { Restoration } from './restoration.js';

/** What a container's init begins from. */
export interface InitParts extends ColdParts {
  /** Image directory to restore from; empty for a fresh container. */
  readonly checkpoint: string;
  readonly surroundings: Surroundings;
  /** Checks the files that a client has put into its root filesystem before it starts from a checkpoint. */
  readonly assertFiles?: () => Promise<void>;
  /** Takes a snapshot of it for later containers; absent if there is to be none. */
  readonly own?: OwnSnapshot | undefined;
}

/** How a container's init comes to be there: created by the runtime, or brought back from a checkpoint. */
export class InitStart {
  readonly #parts: InitParts;
  readonly #init: TaskProcess;
  #restoration: Restoration | undefined;
  /** A start in progress. */
  #attempt: { readonly abort: AbortController; readonly done: Promise<void> } | undefined;

  constructor(parts: InitParts, init: TaskProcess) {
    this.#parts = parts;
    this.#init = init;
  }

  /** Creates it; of one that comes from a checkpoint nothing runs yet, and it has no pid. */
  async create(signal: AbortSignal): Promise<void> {
    const { checkpoint, initFlags, own } = this.#parts;
    if (checkpoint !== '') this.#restoration = await this.#begin(signal);
    else await createInit(this.#parts, this.#init, { ...initFlags, signal, watch: own?.watch });
  }

  /** Runs a start, which {@link abort} ends. */
  async attempt(signal: AbortSignal, start: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const abort = new AbortController();
    let end: () => void = () => undefined;
    this.#attempt = { abort, done: new Promise((resolve) => (end = resolve)) };
    try {
      await start(AbortSignal.any([signal, abort.signal]));
    } finally {
      this.#attempt = undefined;
      end();
    }
  }

  /** Aborts a start in progress, and waits for its end. */
  async abort(reason: Error): Promise<void> {
    this.#attempt?.abort.abort(reason);
    await this.#attempt?.done;
  }

  /**
   * Runs the container from its checkpoint. Once it runs, resolves with the promise of its exit; with nothing if it has been
   * created for a cold start instead.
   */
  async restore(signal: AbortSignal): Promise<{ readonly exited: Promise<Exit> } | undefined> {
    await this.#parts.assertFiles?.();
    this.#restoration ??= await this.#begin(signal);
    const restoration = this.#restoration;
    this.#restoration = undefined;
    try {
      const restored = await restoration.finish(signal);
      await this.#parts.fallBack?.note(true);
      return restored;
    } catch (error) {
      const streams = restoration.takeStreams();
      await createCold(this.#parts, this.#init, { error, signal, streams });
      return undefined;
    }
  }

  /** Gives up what has been prepared for a restore. */
  async abandon(): Promise<void> {
    await this.#restoration?.abandon();
  }

  #begin(signal: AbortSignal): Promise<Restoration> {
    const { surroundings, fallBack } = this.#parts;
    const { engine } = surroundings;
    const context = { ...this.#parts, engine, keepsStreams: fallBack !== undefined };
    return Restoration.begin(context, this.#init, signal);
  }
}
