// SPDX-License-Identifier: Apache-2.0
import type { StoredRun } from './stored-pages.js';

/** Pages at one address in both of two processes; without a place, it is a page of zeros. */
export interface PagePair {
  readonly before: bigint | undefined;
  readonly after: bigint | undefined;
  readonly length: bigint;
}

/** Joins the pages of two processes by their addresses. Both are in order. */
export function pairPages(before: readonly StoredRun[], after: readonly StoredRun[]): PagePair[] {
  const pairs: PagePair[] = [];
  const sides = [new Cursor(before), new Cursor(after)] as const;
  const [a, b] = sides;
  for (let at = first(a, b); at !== undefined; at = first(a, b)) {
    const length = least(a.reach(at), b.reach(at));
    pairs.push({ before: a.placeOf(at), after: b.placeOf(at), length });
    for (const side of sides) side.passBy(at + length);
  }
  return pairs;
}

/** A place in runs that are gone through once. */
class Cursor {
  readonly #runs: readonly StoredRun[];
  #next = 0;
  #from = 0n;

  constructor(runs: readonly StoredRun[]) {
    this.#runs = runs;
  }

  /** The first address that has not been passed; undefined: there is none. */
  get start(): bigint | undefined {
    const run = this.#runs[this.#next];
    return run && (run.start > this.#from ? run.start : this.#from);
  }

  /** How far it is from an address to where things change; undefined: nothing more comes. */
  reach(at: bigint): bigint | undefined {
    const run = this.#runs[this.#next];
    if (!run) return undefined;
    return run.start > at ? run.start - at : run.start + run.length - at;
  }

  placeOf(at: bigint): bigint | undefined {
    const run = this.#runs[this.#next];
    return run && run.start <= at ? run.place + (at - run.start) : undefined;
  }

  passBy(at: bigint): void {
    this.#from = at;
    const run = this.#runs[this.#next];
    if (run && run.start + run.length <= at) this.#next++;
  }
}

function first(a: Cursor, b: Cursor): bigint | undefined {
  const [ours, theirs] = [a.start, b.start];
  if (ours === undefined || theirs === undefined) return ours ?? theirs;
  return ours < theirs ? ours : theirs;
}

function least(a: bigint | undefined, b: bigint | undefined): bigint {
  if (a === undefined || b === undefined) return a ?? b ?? 0n;
  return a < b ? a : b;
}
