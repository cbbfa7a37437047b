// SPDX-License-Identifier: Apache-2.0
import { ok, strictEqual } from 'node:assert';
import test from 'ava';
import fc from 'fast-check';
import { ShimError } from '../../../../src/common/errors.js';
import { layOut, placeMap, type Layout } from '../../../../src/criu/memory/layout.js';
import type { FoundObject, MappedArea, MemoryMap } from '../../../../src/criu/memory/memory-map.js';
import type { Range } from '../../../../src/criu/memory/ranges.js';
import { WORK } from '../../../../src/criu/plan/abi.js';
import { area, mapOf, PAGE, pages } from './maps.js';

/** Areas whose pages all have content. */
const full = (first: number, end: number, more: Partial<MappedArea> = {}): MappedArea => {
  return area(first, end, { runs: pages([first, end]), ...more });
};

const object = (id: bigint, reach: bigint): FoundObject => {
  return {
    id,
    size: reach,
    reach,
    isUnreserved: false,
    runs: [],
    mapping: { ...mapOf(1), start: 0n, end: reach },
  };
};

/** Where the areas of a process lie. */
function placesOf(map: MemoryMap, layout: Layout): (bigint | undefined)[] {
  return placeMap(map, layout).areas.map(({ place }) => place);
}

test('memory of the init stays where it is, and what its files have waits in the park', (t) => {
  const map = mapOf(1, full(1, 3), area(5, 9), full(20, 22, { kind: 'file-private' }));
  const layout = layOut({ maps: [map], shared: [] });
  const [own, empty, written] = placesOf(map, layout);
  t.deepEqual([own, empty], [PAGE, 5n * PAGE]);
  t.true(written !== undefined && written >= layout.base + WORK.size && written < layout.end);
});

test('of other processes, what has content waits in the park; shared objects have it twice', (t) => {
  const map = mapOf(2, full(1, 3), area(5, 9));
  const layout = layOut({ maps: [map], shared: [object(7n, 4n * PAGE)] });
  const [first, second] = placesOf(map, layout);
  const shared = layout.shared.get(7n)?.place ?? 0n;
  t.is(second, undefined);
  t.true(shared >= layout.base + WORK.size && shared + 8n * PAGE <= (first ?? 0n));
});

test('laid out again, nothing moves; what is new comes behind it, and what has gone is left out', (t) => {
  const far = 1 << 20;
  const maps = [mapOf(1), mapOf(2, full(1, 3), full(far, far + 2))];
  const before = layOut({ maps, shared: [object(7n, 4n * PAGE)] });
  t.deepEqual(layOut({ maps, shared: [object(7n, 4n * PAGE)] }, before), before);
  const next = mapOf(2, full(1, 2), full(5 * far, 5 * far + 1));
  const after = layOut({ maps: [next], shared: [object(7n, PAGE), object(8n, PAGE)] }, before);
  t.is(after.base, before.base);
  t.is(after.shared.get(7n)?.place, before.shared.get(7n)?.place);
  const [kept, added] = placesOf(next, after);
  t.is(kept, placesOf(maps[1] ?? next, before)[0]);
  t.true((added ?? 0n) >= before.end && (after.shared.get(8n)?.place ?? 0n) >= before.end);
  t.is(after.parked.get(2)?.length, 2);
});

test('an area that has grown between its neighbours stays, one that has grown beyond them moves', (t) => {
  const map = mapOf(2, full(1, 3), full(4, 6), full(8, 9));
  const before = layOut({ maps: [map], shared: [] });
  const grown = mapOf(2, full(1, 3), full(4, 7), full(8, 12));
  const after = layOut({ maps: [grown], shared: [] }, before);
  const [first, second, third] = placesOf(grown, after);
  t.deepEqual([first, second], placesOf(map, before).slice(0, 2));
  t.true((third ?? 0n) >= before.end);
});

test('where a process now has something in the way, the layout begins anew', (t) => {
  const before = layOut({ maps: [mapOf(2, full(1, 3))], shared: [] });
  const there = Number(before.base / PAGE);
  const map = mapOf(2, full(1, 3), area(there, there + 1));
  t.not(layOut({ maps: [map], shared: [] }, before).base, before.base);
});

test('a process that leaves no room is refused by its name', (t) => {
  const map = mapOf(3, full(1, 3), area(4, Number(0x7fff00000000n / PAGE)));
  const error = t.throws(() => layOut({ maps: [map], shared: [] }), { instanceOf: ShimError });
  t.is(error.kind, 'failedPrecondition');
  t.regex(
    error.message,
    /^pid 3 \(x\) memory 0x1000-0x3000: the processes leave no room for 1 GiB/,
  );
});

const overlap = (a: Range, b: Range): boolean => a.start < b.end && b.start < a.end;

/** Areas that are apart, any of them with content or without. */
const areas = fc
  .array(
    fc.record({
      gap: fc.integer({ min: 0, max: 2000 }),
      size: fc.integer({ min: 1, max: 9 }),
      isFull: fc.boolean(),
    }),
  )
  .map((list) => {
    let at = 1;
    return list.map(({ gap, size, isFull }) => {
      const first = at + gap;
      at = first + size;
      return isFull ? full(first, at) : area(first, at);
    });
  });

test('whatever was laid out before, stored areas have places of their own in the park', (t) => {
  const holds = fc.property(fc.array(areas, { minLength: 1, maxLength: 4 }), (rounds) => {
    let layout: Layout | undefined;
    for (const round of rounds) {
      const map = mapOf(2, ...round);
      layout = layOut({ maps: [map], shared: [] }, layout);
      const [start, end] = [layout.base + WORK.size, layout.end];
      const placed = placeMap(map, layout).areas.flatMap(({ runs, place, ...range }) => {
        strictEqual(place !== undefined, runs.length > 0);
        return place === undefined ? [] : [{ start: place, end: place + range.end - range.start }];
      });
      placed.sort((a, b) => (a.start < b.start ? -1 : 1));
      ok(placed.every((one) => one.start >= start && one.end <= end));
      ok(!placed.some((one, at) => overlap(one, placed[at + 1] ?? { start: end, end })));
    }
  });
  t.notThrows(() => {
    fc.assert(holds);
  });
});
