// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { difference, fromNothing } from '../../../../src/criu/memory/difference.js';
import { inherit, mayInherit } from '../../../../src/criu/memory/inheritance.js';
import type { MappedArea } from '../../../../src/criu/memory/memory-map.js';
import { within, without, type PageRun } from '../../../../src/criu/memory/page-runs.js';
import { area, mapOf, PAGE, pages } from './maps.js';

/** Everything is alike, and these pages have been written to. */
function written(...runs: readonly PageRun[]) {
  const changed = ({ start, length }: PageRun) => within(runs, { start, end: start + length });
  return { isLike: () => true, changed };
}

test('from nothing, everything is new', (t) => {
  const all = [area(1, 4, { runs: pages([1, 3]) }), area(6, 9)];
  const found = difference([], all, written());
  t.deepEqual(found, fromNothing(all));
  t.deepEqual(found, { added: all, kept: [], vanished: [] });
});

test('to nothing, everything vanishes from its place', (t) => {
  const { added, kept, vanished } = difference([area(1, 4, { place: 100n * PAGE })], [], written());
  t.deepEqual([added, kept], [[], []]);
  t.deepEqual(vanished, [{ start: PAGE, end: 4n * PAGE, place: 100n * PAGE }]);
});

test('of an area that stays, written pages are copied and those without content dropped', (t) => {
  const before = area(10, 20, { runs: pages([10, 14], [16, 18]) });
  const now = area(10, 20, { runs: pages([10, 12], [17, 20]) });
  const { added, kept, vanished } = difference(
    [before],
    [now],
    written(...pages([11, 12], [18, 20])),
  );
  t.deepEqual([added, vanished], [[], []]);
  t.is(kept[0]?.area, now);
  t.deepEqual(kept[0]?.runs, pages([11, 12], [18, 20]));
  t.deepEqual(kept[0]?.holes, pages([12, 14], [16, 17]));
});

test('parts of an area can stay; what lies around them vanishes from where it lay', (t) => {
  const before = area(10, 20, { place: 110n * PAGE, runs: pages([10, 20]) });
  const parts = [area(11, 13, { runs: pages([11, 13]) }), area(15, 16)];
  const { kept, vanished } = difference([before], parts, written());
  t.deepEqual(
    kept.map(({ holes }) => holes),
    [[], pages([15, 16])],
  );
  const gone = (first: number, end: number) => {
    return {
      start: BigInt(first) * PAGE,
      end: BigInt(end) * PAGE,
      place: BigInt(first + 100) * PAGE,
    };
  };
  t.deepEqual(vanished, [gone(10, 11), gone(13, 15), gone(16, 20)]);
});

test('what has grown, or is not alike, is new; what was there vanishes', (t) => {
  const before = [area(1, 3), area(5, 6)];
  const grown = [area(1, 4), area(5, 6)];
  const isLike = () => false;
  t.deepEqual(difference(before, grown, { ...written(), isLike }).added, grown);
  const found = difference(before, grown, written());
  t.deepEqual(found.added, [grown[0]]);
  t.deepEqual(found.vanished, [{ start: PAGE, end: 3n * PAGE, place: undefined }]);
});

/** Two processes that differ in some pages. */
function inherited(
  heir: ReturnType<typeof area>,
  forker: ReturnType<typeof area>,
  ...runs: PageRun[]
) {
  const from = { map: mapOf(1, forker), forks: new Map<MappedArea, number>() };
  return inherit(mapOf(2, heir), from, written(...runs).changed).map.areas[0];
}

test('what is mostly the same is inherited, with the pages that differ', (t) => {
  const forker = area(10, 30, { runs: pages([10, 30]) });
  const heir = area(12, 22, { runs: pages([12, 20]) });
  const found = inherited(heir, forker, ...pages([13, 15]));
  t.deepEqual(found?.runs, pages([13, 15]));
  t.deepEqual(found?.holes, pages([20, 22]));
});

test('what differs by more than half of its pages is stored', (t) => {
  const heir = area(10, 20, { runs: pages([10, 20]) });
  t.is(inherited(heir, heir, ...pages([10, 16])), heir);
  t.not(inherited(heir, heir, ...pages([10, 15])), heir);
});

/** How many forks in a row pass on an area of which each process changes a page. */
function longestRow(shared: number): number {
  const whole = area(10, 10 + shared + 1, { runs: pages([10, 10 + shared + 1]) });
  let forks: ReadonlyMap<MappedArea, number> = new Map();
  for (let count = 0; ; count++) {
    const { changed } = written(...pages([10, 11]));
    ({ forks } = inherit(mapOf(2, whole), { map: mapOf(1, whole), forks }, changed));
    if (forks.size === 0) return count;
  }
}

test('the fewer pages are shared, the sooner a row of heirs ends, and the next one begins', (t) => {
  t.deepEqual([1, 10, 100, 1000].map(longestRow), [11, 35, 113, 357]);
});

for (const [what, more] of [
  ['cannot be written', { prot: 1 }],
  ['can be executed', { prot: 7 }],
  ['has other flags', { flags: 0x4022 }],
  ['has other advice', { advice: 1 << 14 }],
  ['is a file', { kind: 'file-private' }],
  ['has no pages', { runs: [] }],
] as const) {
  test(`of a forker whose memory ${what} nothing is inherited`, (t) => {
    const heir = area(10, 20, { runs: pages([10, 20]) });
    t.is(inherited(heir, { ...heir, ...more }), heir);
  });
}

test('who has the vDSO elsewhere has become another program', (t) => {
  const map = (at: number) => mapOf(2, area(at, at + 2, { kind: 'vdso' }));
  t.true(mayInherit(map(50), map(50)));
  t.false(mayInherit(map(50), map(60)));
});

test('pages within a range are those of it that are not outside', (t) => {
  const runs = pages([1, 4], [6, 9]);
  const around = pages([0, 2], [8, 100]);
  const range = { start: 2n * PAGE, end: 8n * PAGE };
  t.deepEqual(within(runs, range), without(runs, around));
  t.deepEqual(within(runs, range), pages([2, 4], [6, 8]));
});
