// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { asNsPid, INIT } from '../../../../src/common/ids.js';
import { checkHeritage, heritageOf, planHeritage } from '../../../../src/criu/memory/heritage.js';
import type { MappedArea } from '../../../../src/criu/memory/memory-map.js';
import { Stashes } from '../../../../src/criu/memory/stashes.js';
import { PlanBuilder } from '../../../../src/criu/plan/builder.js';
import { SYS } from '../../../../src/native/sys.js';
import { area, PAGE, pages } from './maps.js';

const FILE = 400;

const imageOf = (...areas: readonly MappedArea[]) => ({ areas, unfinished: areas });
const inherited = (first: number, end: number) => area(first, end, { holes: [] });

test('ranges that meet are inherited as one', (t) => {
  const all = imageOf(inherited(1, 2), inherited(2, 4), area(4, 5), inherited(5, 6));
  t.deepEqual(heritageOf(all), [
    { start: PAGE, end: 4n * PAGE },
    { start: 5n * PAGE, end: 6n * PAGE },
  ]);
});

test('what a process does not have is dropped, and what differs is laid over the rest', (t) => {
  const sequence = new PlanBuilder().sequence('pid 2');
  const more = { holes: pages([19, 21]), runs: pages([17, 18]), place: 0x900000n };
  const stashes = new Stashes([{ start: 0x900000n, end: 0x910000n }]);
  stashes.planKept(FILE, new PlanBuilder().sequence('pid 1'));
  planHeritage(area(16, 32, more), stashes, sequence);
  t.deepEqual(
    sequence.operations.map(({ nr, args }) => [nr, ...args]),
    [
      [SYS.madvise, 0x13000n, 0x2000n, 4],
      [0, FILE, 0x11000n, 0x901000n, 0x1000n],
    ],
  );
});

const HEIR = asNsPid(2);
const FORKERS = new Map([[HEIR, INIT]]);

/** Checks what a process inherits from its forker. */
function check(heir: readonly MappedArea[], forker: readonly MappedArea[]): void {
  const maps = new Map([
    [INIT, imageOf(...forker)],
    [HEIR, imageOf(...heir)],
  ]);
  checkHeritage(maps, FORKERS);
}

test('part of a mapping of the forker can be inherited', (t) => {
  t.notThrows(() => {
    check([inherited(2, 3), inherited(4, 5)], [area(1, 3), area(4, 5)]);
  });
});

for (const [what, base] of [
  ['nothing', []],
  ['less', [area(2, 3)]],
  ['another protection', [area(1, 4, { prot: 1 })]],
  ['a file', [area(1, 4, { kind: 'file-private' })]],
] as const) {
  test(`an heir of a forker that has ${what} there is refused`, (t) => {
    const error = t.throws(() => {
      check([inherited(2, 4)], base);
    });
    t.regex(error.message, /its forker has none like it/);
  });
}

test('PID 1 inherits nothing', (t) => {
  t.throws(() => {
    checkHeritage(new Map([[INIT, imageOf(inherited(2, 4))]]), FORKERS);
  });
});
