// SPDX-License-Identifier: Apache-2.0
import type { Range } from './ranges.js';

const NOBODY = 0;

/** Ranges that follow one another in the park, by their indexes in its order. */
interface Span {
  readonly first: number;
  readonly last: number;
}

/** What waits in the park for a process and all its descendants. */
export type Branch = readonly Span[];

/**
 * The park by address. What belongs to a branch of the tree mostly lies together there: then it is one range,
 * however many processes and mappings there are.
 */
export class Branches {
  readonly #sorted: readonly Range[];
  readonly #own = new Map<number, number[]>();

  /** @param others ranges that belong to no process */
  constructor(parks: ReadonlyMap<number, readonly Range[]>, others: readonly Range[]) {
    const all = [...parks].flatMap(([pid, ranges]) => ranges.map((range) => ({ pid, range })));
    for (const range of others) all.push({ pid: NOBODY, range });
    all.sort((a, b) => (a.range.start < b.range.start ? -1 : 1));
    this.#sorted = all.map(({ range }) => range);
    for (const [index, { pid }] of all.entries()) {
      if (pid === NOBODY) continue;
      const own = this.#own.get(pid);
      if (own) own.push(index);
      else this.#own.set(pid, [index]);
    }
  }

  /** The branch of a process (0: of no process), apart from those of its children. */
  branch(pid: number, below: readonly Branch[]): Branch {
    const own = (this.#own.get(pid) ?? []).map((index) => ({ first: index, last: index }));
    const spans = [...own, ...below.flat()].sort((a, b) => a.first - b.first);
    const joined: { first: number; last: number }[] = [];
    for (const { first, last } of spans) {
      const before = joined.at(-1);
      if (before?.last === first - 1) before.last = last;
      else joined.push({ first, last });
    }
    return joined;
  }

  /** Where a branch lies; its holes contain nothing. */
  ranges(branch: Branch): Range[] {
    return branch.map(({ first, last }) => ({
      start: this.#sorted[first]?.start ?? 0n,
      end: this.#sorted[last]?.end ?? 0n,
    }));
  }
}
