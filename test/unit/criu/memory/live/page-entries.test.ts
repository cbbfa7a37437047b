// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { splitExclusive } from '../../../../../src/criu/memory/live/page-entries.js';

const PAGE = 4096n;
const START = 0x10000n;
/** Bit 56 of an entry, in its upper half. */
const EXCLUSIVE = 1 << 24;

/** The parts of a run, as `x` (exclusive) or `s` and their pages. */
function split(pages: string, least: number): string[] {
  const entries = Uint32Array.from(
    Array.from(pages, (page) => [0, page === 'x' ? EXCLUSIVE : 0]).flat(),
  );
  const run = { start: START, length: BigInt(pages.length) * PAGE };
  const parts = splitExclusive(run, BigInt(least) * PAGE, entries);
  let next = START;
  return parts.map(({ start, length, isExclusive }) => {
    if (start !== next) throw new Error(`a part begins at ${String(start)}`);
    next = start + length;
    return `${isExclusive ? 'x' : 's'}${String(length / PAGE)}`;
  });
}

test('a run of one kind stays whole', (t) => {
  t.deepEqual(split('xxxx', 2), ['x4']);
  t.deepEqual(split('ssss', 2), ['s4']);
});

test('a run is split where pages begin or cease to be exclusive', (t) => {
  t.deepEqual(split('xxsssxx', 2), ['x2', 's3', 'x2']);
  t.deepEqual(split('sxxs', 2), ['s1', 'x2', 's1']);
});

test('few exclusive pages go with the others', (t) => {
  t.deepEqual(split('sxsxxsx', 2), ['s3', 'x2', 's2']);
  t.deepEqual(split('xsxsx', 2), ['s5']);
  t.deepEqual(split('x', 2), ['s1']);
});
