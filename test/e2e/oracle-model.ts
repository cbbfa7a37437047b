// SPDX-License-Identifier: Apache-2.0

/** What is known of a container: what it has been told, in order. */
export interface ModelContainer {
  tokens: readonly string[];
  /** The snapshot that it goes on from; '' if there is none. */
  head: string;
  /** The snapshot that it is a clone of, as long as there is one. */
  readonly origin: string;
}

/** What is known of a snapshot. */
export interface ModelSnapshot {
  readonly containerId: string;
  readonly tokens: readonly string[];
  /** What its container went on from. */
  origin: string;
}

/** What should be, by everything that has been done: the oracle. */
export class Model {
  readonly containers = new Map<string, ModelContainer>();
  readonly snapshots = new Map<string, ModelSnapshot>();

  began(id: string): void {
    this.containers.set(id, { tokens: [], head: '', origin: '' });
  }

  told(id: string, token: string): void {
    const container = this.container(id);
    container.tokens = [...container.tokens, token];
  }

  taken(id: string, snapshot: string): void {
    const container = this.container(id);
    const { tokens, head: origin } = container;
    this.snapshots.set(snapshot, { containerId: id, tokens, origin });
    container.head = snapshot;
  }

  /** A clone of a container goes on from what that goes on from: the snapshot between them is gone. */
  forked(source: string, clone: string): void {
    const snapshot = this.snapshots.get(source);
    const from = snapshot ?? this.container(source);
    const head = snapshot ? source : this.container(source).head;
    const origin = snapshot ? source : '';
    this.containers.set(clone, { tokens: from.tokens, head, origin });
  }

  mayGoBack(id: string, snapshot: string): boolean {
    const { containerId } = this.snapshot(snapshot);
    return containerId === id || this.container(id).origin === snapshot;
  }

  wentBack(id: string, snapshot: string): void {
    const container = this.container(id);
    container.tokens = this.snapshot(snapshot).tokens;
    container.head = snapshot;
  }

  /** Not while there are snapshots of its clones. */
  mayGo(snapshot: string): boolean {
    const { containerId } = this.snapshot(snapshot);
    return [...this.snapshots.values()].every(
      (other) => other.origin !== snapshot || other.containerId === containerId,
    );
  }

  gone(snapshot: string): void {
    const { origin } = this.snapshot(snapshot);
    this.snapshots.delete(snapshot);
    for (const other of this.snapshots.values()) {
      if (other.origin === snapshot) other.origin = origin;
    }
    for (const container of this.containers.values()) {
      if (container.head === snapshot) container.head = origin;
    }
  }

  container(id: string): ModelContainer {
    const found = this.containers.get(id);
    if (!found) throw new Error(`the model has no container ${id}`);
    return found;
  }

  snapshot(id: string): ModelSnapshot {
    const found = this.snapshots.get(id);
    if (!found) throw new Error(`the model has no snapshot ${id}`);
    return found;
  }
}

/** Random numbers that a seed determines: mulberry32. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number from 0 to below `limit`. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  }

  /** One of them; undefined if there is none. */
  pick<T>(all: readonly T[]): T | undefined {
    return all[this.below(Math.max(1, all.length))];
  }

  /** A key, as often as its weight says. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K {
    const all = Object.entries(weights) as [K, number][];
    let left = this.below(all.reduce((sum, [, weight]) => sum + weight, 0));
    for (const [key, weight] of all) {
      if (left < weight) return key;
      left -= weight;
    }
    throw new Error('weights are whole numbers');
  }
}
