// SPDX-License-Identifier: Apache-2.0
import { watch, type FSWatcher } from 'node:fs';
import { ShimError } from '../../common/errors.js';
import { logger } from '../../common/log.js';
import { Mutex } from '../../common/mutex.js';
import type { VasEntry } from '../../criu/index.js';
import type { VasStore } from '../vas-store.js';
import { Change } from './messages/service.js';

/** How often is looked for what inotify(7) does not tell: memory that is gone. */
const EVERY_MS = 2_000;
const log = logger('serve');

/** What has become of a snapshot. */
export interface SnapshotEvent {
  readonly change: number;
  /** As it was last seen. */
  readonly vas: VasEntry;
}

type Listener = (event: SnapshotEvent) => void;

/** Watches the snapshots of this host, whoever makes and removes them, while somebody listens. */
export class SnapshotWatch {
  readonly #root: string;
  readonly #store: () => Promise<VasStore>;
  readonly #listeners = new Set<Listener>();
  readonly #turns = new Mutex();
  #known: ReadonlyMap<string, VasEntry> = new Map();
  #stop: (() => void) | undefined;

  /** `root`: the directory of VASes, which exists. */
  constructor(root: string, store: () => Promise<VasStore>) {
    this.#root = root;
    this.#store = store;
  }

  /** Tells of the snapshots that are there, then of changes, until the signal is aborted, which is its error. */
  async follow(signal: AbortSignal, listener: Listener): Promise<never> {
    const ended = new Promise<never>((_, reject) => {
      const end = (): void => {
        reject(ShimError.from(signal.reason));
      };
      if (signal.aborted) end();
      else signal.addEventListener('abort', end, { once: true });
    });
    ended.catch(() => undefined); // It may come before it is awaited.
    await this.#look();
    for (const vas of this.#known.values()) listener({ change: Change.CHANGE_PRESENT, vas });
    this.#listeners.add(listener);
    this.#start();
    try {
      return await ended;
    } finally {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#stop?.();
    }
  }

  #start(): void {
    if (this.#stop) return;
    const look = (): void => {
      this.#look().catch((error: unknown) => {
        log.warn('cannot look for snapshots', { error: ShimError.from(error).message });
      });
    };
    const timer = setInterval(look, EVERY_MS);
    const watcher: FSWatcher = watch(this.#root, look);
    watcher.on('error', (error) => {
      log.warn('cannot watch', { error: error.message });
    });
    this.#stop = () => {
      clearInterval(timer);
      watcher.close();
      this.#stop = undefined;
    };
    look(); // Something may have changed since.
  }

  /** Looks at all snapshots, and tells what has changed since the last look. */
  #look(): Promise<void> {
    return this.#turns.run(async () => {
      const entries = await (await this.#store()).list();
      const now = new Map(entries.filter(({ snapshot }) => snapshot).map((vas) => [vas.id, vas]));
      const events = changesBetween(this.#known, now);
      this.#known = now;
      for (const event of events) for (const tell of this.#listeners) tell(event);
    });
  }
}

/** What has become of snapshots between two looks. Pure. */
export function changesBetween(
  before: ReadonlyMap<string, VasEntry>,
  now: ReadonlyMap<string, VasEntry>,
): readonly SnapshotEvent[] {
  const event = (change: number, vas: VasEntry): SnapshotEvent => ({ change, vas });
  const all = [...now.values()];
  const ended = [...before.values()].filter(({ id }) => !now.has(id));
  const begun = all.filter(({ id }) => !before.has(id));
  const lost = all.filter((vas) => isLost(vas) && !isLost(before.get(vas.id)));
  return [
    ...ended.map((vas) => event(Change.CHANGE_ENDED, vas)),
    ...begun.map((vas) => event(Change.CHANGE_BEGUN, vas)),
    ...lost.map((vas) => event(Change.CHANGE_LOST, vas)),
  ];
}

function isLost(vas: VasEntry | undefined): boolean {
  return vas?.state === 'lost' || vas?.state === 'broken';
}
