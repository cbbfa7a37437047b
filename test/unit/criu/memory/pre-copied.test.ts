// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { fromNothing, type Difference } from '../../../../src/criu/memory/difference.js';
import type { MappedArea } from '../../../../src/criu/memory/memory-map.js';
import {
  appendRun,
  union,
  within,
  without,
  type PageRun,
} from '../../../../src/criu/memory/page-runs.js';
import { again, allOf, restOf, type PreCopied } from '../../../../src/criu/memory/pre-copied.js';
import { area, mapOf, PAGE, pages } from './maps.js';

/** An area of the init, which lies in the VAS where it is. */
function placed(first: number, end: number, more: Partial<MappedArea> = {}): MappedArea {
  return area(first, end, { place: BigInt(first) * PAGE, ...more });
}

test('what is clean and has been copied is not copied again', (t) => {
  const before = mapOf(1, placed(10, 20, { runs: pages([10, 18]) }));
  const copied = { map: before, fresh: pages([10, 16]) };
  const now = mapOf(1, placed(10, 20, { runs: pages([10, 14], [15, 19]) }));
  const { added, kept, vanished } = restOf(copied, now, pages([10, 12], [15, 17]));
  t.deepEqual([added, vanished], [[], []]);
  t.deepEqual(kept[0]?.runs, pages([12, 14], [16, 19]));
  t.deepEqual(kept[0]?.holes, pages([14, 15]));
});

test('what has another protection, place or kind of reserve is copied anew', (t) => {
  const runs = pages([10, 12]);
  const before = mapOf(1, placed(10, 12, { runs }));
  const copied = { map: before, fresh: runs };
  for (const more of [{ prot: 1 }, { place: PAGE }, { place: undefined }, { traits: 4 }]) {
    const now = mapOf(1, placed(10, 12, { runs, ...more }));
    const { added, kept, vanished } = restOf(copied, now, runs);
    t.deepEqual([added, kept], [now.areas, []]);
    t.is(vanished.length, 1);
  }
});

test('of a process that nothing has been copied of, everything is', (t) => {
  const now = mapOf(1, placed(10, 12, { runs: pages([10, 12]) }));
  t.deepEqual(restOf(undefined, now, pages([10, 12])), fromNothing(now.areas));
});

test('what is copied again may be new in its area, and has to have a place', (t) => {
  const map = mapOf(1, placed(10, 20, { runs: pages([10, 12]) }), area(20, 30));
  const { map: grown, difference } = again({ map, fresh: [] }, pages([11, 14], [22, 23], [40, 41]));
  t.deepEqual(difference.kept[0]?.runs, pages([11, 14]));
  t.is(difference.kept.length, 1);
  t.deepEqual(grown.areas[0]?.runs, pages([10, 14]));
});

/** Memory by the numbers of its pages. */
type Content = Map<number, number>;

const LAST = 60;

/** A process that changes, and the VAS that follows it. */
class Model {
  readonly memory: Content = new Map();
  readonly vas: Content = new Map();
  readonly #random: () => number;
  readonly #protected = new Set<number>();
  #areas: MappedArea[] = [];
  #next = 1;

  constructor(random: () => number) {
    this.#random = random;
    this.change(40);
  }

  /** What is mapped, and what of it has content. */
  map() {
    return mapOf(1, ...this.#areas.map((one) => ({ ...one, runs: this.#runs(one, this.memory) })));
  }

  /** Maps, unmaps, discards and writes to pages. */
  change(times: number): void {
    for (let i = 0; i < times; i++) {
      const page = this.#below(LAST);
      const what = this.#below(12);
      if (what === 0) this.#remap(page, page + 1 + this.#below(12));
      else if (what === 1) this.#drop(page);
      else if (this.#areas.some((one) => within(pages([page, page + 1]), one).length > 0)) {
        this.memory.set(page, this.#next++);
        this.#protected.delete(page);
      }
    }
  }

  /** Writes to one that has content. */
  write(): void {
    const [page] = this.memory.keys();
    if (page === undefined) return;
    this.memory.set(page, this.#next++);
    this.#protected.delete(page);
  }

  /** Write-protects pages with content; returns those that were not. */
  protect(): PageRun[] {
    const found = [...this.memory.keys()].filter((page) => !this.#protected.has(page));
    for (const page of found) this.#protected.add(page);
    return toRuns(found);
  }

  clean(): PageRun[] {
    return toRuns([...this.#protected]);
  }

  /** Does what a plan of a difference does. Returns what could be copied. */
  apply({ added, kept, vanished }: Difference): PageRun[] {
    for (const one of vanished) if (one.place !== undefined) this.#clear(one, this.vas);
    for (const { holes } of kept) {
      for (const page of holes.flatMap(numbers)) this.vas.delete(page);
    }
    const runs = [...added, ...kept].flatMap((one) => one.runs).flatMap(numbers);
    const copied = runs.filter((page) => this.memory.has(page));
    for (const page of copied) this.vas.set(page, this.memory.get(page) ?? 0);
    return toRuns(copied);
  }

  #remap(first: number, end: number): void {
    const range = placed(first, end, { prot: 1 + 2 * this.#below(2) });
    this.#clear(range, this.memory);
    this.#areas = this.#areas.filter((one) => one.end <= range.start || one.start >= range.end);
    for (const page of this.memory.keys()) {
      const isMapped = this.#areas.some((one) => within(pages([page, page + 1]), one).length > 0);
      if (!isMapped) this.#drop(page);
    }
    if (this.#below(3) > 0) this.#areas.push(range);
    this.#areas.sort((a, b) => (a.start < b.start ? -1 : 1));
  }

  #clear({ start, end }: Pick<MappedArea, 'start' | 'end'>, content: Content): void {
    for (const page of numbers({ start, length: end - start })) {
      content.delete(page);
      if (content === this.memory) this.#protected.delete(page);
    }
  }

  #drop(page: number): void {
    this.memory.delete(page);
    this.#protected.delete(page);
  }

  #runs(one: MappedArea, content: Content): PageRun[] {
    return within(toRuns([...content.keys()]), one);
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }
}

function numbers({ start, length }: PageRun): number[] {
  return Array.from({ length: Number(length / PAGE) }, (_, i) => Number(start / PAGE) + i);
}

function toRuns(numbers: readonly number[]): PageRun[] {
  const runs: PageRun[] = [];
  for (const page of [...numbers].sort((a, b) => a - b)) {
    appendRun(runs, BigInt(page) * PAGE, BigInt(page + 1) * PAGE);
  }
  return runs;
}

test('a VAS that follows a process in rounds is the same in the end', (t) => {
  for (let seed = 1; seed <= 500; seed++) {
    const model = new Model(randomNumbers(seed));
    let copied = first(model);
    for (let round = 0; round < seed % 4; round++) copied = next(model, copied);
    model.change(25);
    model.apply(restOf(copied, model.map(), model.clean()));
    t.deepEqual(sorted(model.vas), sorted(model.memory), `seed ${String(seed)}`);
  }
});

test('each VAS of a series is the same as its process', (t) => {
  for (let seed = 1; seed <= 300; seed++) {
    const model = new Model(randomNumbers(seed));
    let copied = first(model);
    for (let member = 0; member < 5; member++) {
      for (let round = 0; round < (seed + member) % 3; round++) copied = next(model, copied);
      model.change(15);
      copied = stopFor(model, copied);
      t.deepEqual(
        sorted(model.vas),
        sorted(model.memory),
        `seed ${String(seed)}, ${String(member)}`,
      );
    }
  }
});

test('what the VAS of a series does not have, or is not protected, is copied by the next', (t) => {
  const runs = pages([10, 14]);
  const now = mapOf(1, placed(10, 20, { runs }), area(20, 30, { runs: pages([20, 22]) }));
  const held = allOf(now, pages([9, 12], [13, 15], [20, 22]));
  t.deepEqual(held, { map: now, fresh: pages([10, 12], [13, 14]) });
});

/** Protects everything while the process stands still, and copies the rest. */
function stopFor(model: Model, copied: PreCopied): PreCopied {
  const found = model.clean();
  model.write(); // What we do to it ourselves.
  const written = model.protect();
  const clean = without(found, written);
  const map = model.map();
  model.apply(restOf(copied, map, clean));
  return allOf(map, union(clean, written));
}

function first(model: Model): PreCopied {
  model.protect();
  const map = model.map();
  model.change(10); // What it does while it is copied.
  return { map, fresh: model.apply(fromNothing(map.areas)) };
}

function next(model: Model, { map: before, fresh }: PreCopied): PreCopied {
  model.change(15);
  const written = model.protect();
  const { map, difference } = again({ map: before, fresh }, written);
  const rest = fresh.flatMap(numbers).filter((page) => !written.flatMap(numbers).includes(page));
  model.change(10);
  return { map, fresh: union(toRuns(rest), model.apply(difference)) };
}

function sorted(content: Content): [number, number][] {
  return [...content].sort(([a], [b]) => a - b);
}

/** The same numbers in [0, 1) for the same seed (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
