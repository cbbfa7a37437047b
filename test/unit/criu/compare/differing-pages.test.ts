// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import fc from 'fast-check';
import { pairPages, type PagePair } from '../../../../src/criu/compare/differing-pages.js';
import type { StoredRun } from '../../../../src/criu/compare/stored-pages.js';

const PAGE = 4096n;

/** Runs in order, without overlaps. */
const RUNS = fc
  .array(fc.record({ gap: fc.nat(3), length: fc.integer({ min: 1, max: 4 }), place: fc.nat(50) }))
  .map((parts) => {
    let at = 0n;
    return parts.map(({ gap, length, place }): StoredRun => {
      const start = at + BigInt(gap) * PAGE;
      at = start + BigInt(length) * PAGE;
      return { start, length: BigInt(length) * PAGE, place: BigInt(place) * PAGE };
    });
  });

/** Each page by itself. */
function pagesOf(runs: readonly StoredRun[]): Map<bigint, bigint> {
  const pages = new Map<bigint, bigint>();
  for (const { start, length, place } of runs) {
    for (let at = 0n; at < length; at += PAGE) pages.set(start + at, place + at);
  }
  return pages;
}

function split({ before, after, length }: PagePair): string[] {
  const lines: string[] = [];
  for (let at = 0n; at < length; at += PAGE) {
    lines.push([before, after].map((place) => (place === undefined ? '-' : place + at)).join());
  }
  return lines;
}

test('each page is paired with what is at its address in the other process', (t) => {
  fc.assert(
    fc.property(RUNS, RUNS, (before, after) => {
      const [old, young] = [pagesOf(before), pagesOf(after)];
      const addresses = [...new Set([...old.keys(), ...young.keys()])].sort((a, b) =>
        a < b ? -1 : 1,
      );
      const expected = addresses.map((at) => [old.get(at) ?? '-', young.get(at) ?? '-'].join());
      t.deepEqual(pairPages(before, after).flatMap(split), expected);
    }),
  );
});
