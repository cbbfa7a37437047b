// SPDX-License-Identifier: Apache-2.0
import { ok, strictEqual } from 'node:assert';
import test from 'ava';
import fc from 'fast-check';
import { MAP_GROWSDOWN } from '../../../../src/native/abi/index.js';
import { findHole, Park } from '../../../../src/criu/memory/park.js';
import { subtract, type Range } from '../../../../src/criu/memory/ranges.js';

const PAGE = 4096n;
const HUGE = 0x200000n;
const GIB = 1n << 30n;
const HIGHEST = 0x7fffffffe000n;

const overlap = (a: Range, b: Range): boolean => a.start < b.end && b.start < a.end;

const ranges = fc.array(
  fc
    .record({
      start: fc.bigInt({ min: 1n, max: 0x7effffffffffn / PAGE }),
      pages: fc.bigInt({ min: 1n, max: 0x100000n }),
    })
    .map(({ start, pages }) => ({ start: start * PAGE, end: (start + pages) * PAGE })),
  { maxLength: 20 },
);

const fillsTable = ({ start, end }: Range): boolean => (start + HUGE - 1n) / HUGE < end / HUGE;

test('the park gives every range a place of its own, equal to it modulo 2 MiB if page tables can be moved', (t) => {
  fc.assert(
    fc.property(ranges, (list) => {
      const park = new Park(64n * GIB);
      const places = list.map((range) => {
        const start = park.place(range);
        if (fillsTable(range)) strictEqual(start % HUGE, range.start % HUGE);
        return { start, end: start + (range.end - range.start) };
      });
      places.forEach((place, index) => {
        ok(place.start >= park.start && place.end <= park.end);
        ok(!places.slice(index + 1).some((other) => overlap(place, other)));
      });
    }),
  );
  t.pass();
});

test('small ranges lie side by side, so that the kernel can join them', (t) => {
  const park = new Park(64n * GIB);
  const first = park.place({ start: HUGE - PAGE, end: HUGE });
  t.is(park.place({ start: 0n, end: HUGE - PAGE }), first + PAGE);
  t.is(park.end, first + HUGE);
});

test('there is room for a guard gap below a stack', (t) => {
  const park = new Park(64n * GIB);
  const first = park.place({ start: 0n, end: PAGE });
  const [second] = park.placeAll([{ start: 0n, end: PAGE, flags: MAP_GROWSDOWN }]);
  t.true((second?.place ?? 0n) - (first + PAGE) >= 256n * PAGE);
});

test('an empty address space has a hole at once', (t) => {
  t.is(findHole([], GIB), findHole([{ start: PAGE, end: 2n * PAGE }], GIB));
});

test('a hole touches nothing that is mapped', (t) => {
  fc.assert(
    fc.property(ranges, fc.bigInt({ min: 1n, max: 64n }), (taken, gibs) => {
      const start = findHole(taken, gibs * GIB) ?? HIGHEST;
      const hole = { start, end: start + gibs * GIB };
      ok(!taken.some((range) => overlap(hole, range)));
    }),
  );
  t.pass();
});

test('ranges may overlap and come in any order', (t) => {
  const lowest = findHole([], GIB) ?? 0n;
  const taken = [
    { start: lowest + GIB, end: lowest + 2n * GIB },
    { start: lowest, end: lowest + 8n * GIB },
    { start: lowest, end: lowest + PAGE },
  ];
  t.is(findHole(taken, GIB), lowest + 8n * GIB);
});

test('where everything is taken there is no hole', (t) => {
  t.is(findHole([{ start: 0n, end: HIGHEST }], GIB), undefined);
});

test('ranges that are close keep their distances, and many take no more room than few', (t) => {
  const park = new Park(64n * GIB);
  const close = Array.from({ length: 1000 }, (_, index) => {
    const start = HUGE - PAGE + BigInt(index) * 3n * PAGE;
    return { start, end: start + PAGE };
  });
  const far = { start: 8n * GIB, end: 8n * GIB + PAGE };
  const [first, second, ...others] = park.placeAll([...close, far]);
  t.deepEqual(others, []);
  t.like(first, { start: HUGE - PAGE, end: close.at(-1)?.end });
  t.is((first?.place ?? 0n) % HUGE, HUGE - PAGE);
  t.like(second, far);
  t.true((second?.place ?? 0n) > (first?.place ?? 0n) + 2997n * PAGE);
  t.true(park.end - park.start < 16n * HUGE);
});

test('what is subtracted is gone, and nothing else', (t) => {
  const range = (start: number, end: number): Range => ({ start: BigInt(start), end: BigInt(end) });
  t.deepEqual(subtract([range(10, 20)], []), [range(10, 20)]);
  t.deepEqual(subtract([range(10, 20)], [range(20, 30), range(0, 10)]), [range(10, 20)]);
  t.deepEqual(subtract([range(10, 20)], [range(15, 30), range(0, 12)]), [range(12, 15)]);
  t.deepEqual(subtract([range(10, 20), range(30, 40)], [range(12, 13), range(13, 35)]), [
    range(10, 12),
    range(35, 40),
  ]);
  t.deepEqual(subtract([range(10, 20)], [range(0, 40)]), []);
});
