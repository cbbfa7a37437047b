// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { fromNothing, type Difference } from '../../../../src/criu/memory/difference.js';
import { planFill } from '../../../../src/criu/memory/fill-plan.js';
import type { Pages } from '../../../../src/criu/memory/pages.js';
import { PlanBuilder } from '../../../../src/criu/plan/builder.js';
import { PlanData } from '../../../../src/criu/plan/values.js';
import { SYS } from '../../../../src/native/sys.js';
import { area, PAGE, pages } from './maps.js';

const page = (number: number): bigint => BigInt(number) * PAGE;

/** Operations that fill a VAS: system calls, and pulled pages as `pull`. */
function planned(difference: Difference) {
  const builder = new PlanBuilder();
  const source: Pages = {
    fd: -1,
    pull: (sequence, slot, { what, from, to, length }) => {
      sequence.pread(what, slot, to, from, length);
    },
    finish: () => undefined,
    close: () => undefined,
  };
  const options = { pages: source, source: builder.slot() };
  const { operations } = planFill(builder, 'pid 2 (x)', difference, options);
  const shown = operations.filter(({ nr }) => nr !== SYS.prctl);
  return shown.flatMap(({ nr, args }) => {
    const [first] = args;
    if (first instanceof PlanData) return rowsOf(first).map((row) => [nr, ...row]);
    return [nr === 0 ? ['pull', ...args.slice(1, 4)] : [nr, ...args.slice(0, 3)]];
  });
}

/** Address, length and protection of each row. */
function rowsOf({ bytes }: PlanData): [bigint, bigint, number][] {
  const words = new BigUint64Array(bytes.buffer);
  return Array.from({ length: words.length / 3 }, (_, row) => {
    const [at = 0n, length = 0n, bits = 0n] = words.subarray(row * 3);
    return [at, length, Number(bits)];
  });
}

test('into an empty VAS comes what has a place', (t) => {
  const stored = area(1, 4, { place: page(101), prot: 1, runs: pages([2, 4]) });
  const operations = planned(fromNothing([stored, area(6, 8)]));
  t.deepEqual(operations, [
    [SYS.mmap, page(101), page(3), 3],
    ['pull', page(102), page(2), page(2)],
    [SYS.mprotect, page(101), page(3), 1],
  ]);
});

test('of what is there already only what differs is touched', (t) => {
  const kept = area(10, 20, { place: page(110), prot: 1 });
  const operations = planned({
    added: [],
    kept: [
      { area: kept, runs: pages([11, 12]), holes: pages([15, 17]) },
      { area: { ...kept, place: page(210), prot: 3 }, runs: [], holes: [] },
    ],
    vanished: [
      { start: page(1), end: page(3), place: page(101) },
      { start: page(5), end: page(6), place: undefined },
    ],
  });
  t.deepEqual(operations, [
    [SYS.munmap, page(101), page(2)],
    [SYS.mprotect, page(110), page(10), 3],
    [SYS.madvise, page(115), page(2), 4],
    ['pull', page(111), page(11), page(1)],
    [SYS.mprotect, page(110), page(10), 1],
  ]);
});
