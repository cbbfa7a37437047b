// SPDX-License-Identifier: Apache-2.0
import { deepStrictEqual, ok, strictEqual } from 'node:assert';
import test from 'ava';
import fc from 'fast-check';
import {
  appendRun,
  totalBytes,
  without,
  type PageRun,
} from '../../../../src/criu/memory/page-runs.js';

function runsOf(...ranges: readonly (readonly [bigint, bigint])[]): PageRun[] {
  const runs: PageRun[] = [];
  for (const [start, end] of ranges) appendRun(runs, start, end);
  return runs;
}

test('adjacent ranges become one run', (t) => {
  const runs = runsOf([0x1000n, 0x2000n], [0x2000n, 0x3000n], [0x3000n, 0x5000n]);
  t.deepEqual(runs, [{ start: 0x1000n, length: 0x4000n }]);
});

test('a gap begins a new run', (t) => {
  const runs = runsOf([0x1000n, 0x2000n], [0x3000n, 0x4000n]);
  t.deepEqual(runs, [
    { start: 0x1000n, length: 0x1000n },
    { start: 0x3000n, length: 0x1000n },
  ]);
});

test('a run that was given out before is not changed', (t) => {
  const runs = runsOf([0x1000n, 0x2000n]);
  const [first] = runs;
  appendRun(runs, 0x2000n, 0x3000n);
  t.deepEqual(first, { start: 0x1000n, length: 0x1000n });
});

test('no runs have no bytes', (t) => {
  t.is(totalBytes([]), 0n);
});

test('runs hold exactly the pages appended, in as few runs as can be', (t) => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(200)), (numbers) => {
      const pages = numbers.sort((a, b) => a - b).map(BigInt);
      const runs = runsOf(...pages.map((page) => [page, page + 1n] as const));
      const held = runs.flatMap(({ start, length }) =>
        Array.from({ length: Number(length) }, (_, index) => start + BigInt(index)),
      );
      deepStrictEqual(held, pages);
      strictEqual(totalBytes(runs), BigInt(pages.length));
      runs.slice(1).forEach(({ start }, index) => {
        const before = runs[index];
        ok(before !== undefined && before.start + before.length < start);
      });
    }),
  );
  t.pass();
});

test('what of some runs lies in none of others is what single pages say', (t) => {
  const pages = fc.uniqueArray(fc.nat(40)).map((some) => some.sort((a, b) => a - b));
  const runs = (some: readonly number[]): PageRun[] =>
    runsOf(...some.map((page) => [BigInt(page) * 4096n, BigInt(page + 1) * 4096n] as const));
  const holds = fc.property(pages, pages, (some, others) => {
    const expected = runs(some.filter((page) => !others.includes(page)));
    deepStrictEqual(without(runs(some), runs(others)), expected);
  });
  t.notThrows(() => {
    fc.assert(holds);
  });
});
