// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { readRows, Rows, writeRows, type RowLayout } from '../../../src/common/wire/rows.js';
import { readRowsNatively } from '../../../src/native/rows.js';

const TAG = 0x72;
const MOST = Number.MAX_SAFE_INTEGER;
/** Tags of one and of two bytes. */
const LAYOUT: RowLayout = [
  { tag: 0x08, least: 0, most: MOST, isRequired: true },
  { tag: 0x18, least: 1, most: 1, isRequired: true },
  { tag: 0x58, least: 0, most: 0xffff_ffff, isRequired: false },
  { tag: 0x4e20, least: 0, most: MOST, isRequired: false },
];

/** A generator of numbers below a limit that are the same in each run. */
function random(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

/** The list from behind its first tag. */
function encoded(next: (limit: number) => number, count: number): Uint8Array {
  const wide = () => next(2) * next(2 ** 21) * 2 ** 32 + next(2 ** 32);
  const cells = Array.from({ length: count }, () => {
    const optional = (value: number) => (next(2) === 0 ? -1 : value);
    return [wide(), 1, optional(next(2 ** 32)), optional(wide())];
  });
  return writeRows(new Rows(Float64Array.from(cells.flat()), count), TAG, LAYOUT).subarray(1);
}

/** What a reader finds. */
function found(read: typeof readRows, bytes: Uint8Array, { end = bytes.length, most = 1000 } = {}) {
  const { cells, length, at } = read({ bytes, from: 0, end, tag: TAG, most }, LAYOUT);
  return { cells: [...cells], length, at };
}

test('reads what was written', (t) => {
  const bytes = encoded(random(1), 100);
  const { length, at } = found(readRowsNatively, bytes);
  t.deepEqual([length, at], [100, bytes.length]);
  t.deepEqual(found(readRowsNatively, bytes), found(readRows, bytes));
});

test('reads no more messages than it may, and none beyond the end', (t) => {
  const bytes = encoded(random(2), 20);
  t.is(found(readRowsNatively, bytes, { most: 7 }).length, 7);
  t.is(found(readRowsNatively, bytes, { most: Infinity }).length, 20);
  for (let end = 0; end <= bytes.length; end++) {
    t.deepEqual(found(readRowsNatively, bytes, { end }), found(readRows, bytes, { end }));
  }
});

test('finds in damaged lists what the usual reader finds', (t) => {
  const next = random(3);
  let ends = 0;
  for (let round = 0; round < 20_000; round++) {
    const bytes = Uint8Array.from(encoded(next, 1 + next(6)));
    for (let damage = next(3); damage >= 0; damage--) {
      bytes[next(bytes.length)] = [next(256), 0x80 | next(128), 0][next(3)] ?? 0;
    }
    const cut = bytes.slice(0, next(4) === 0 ? next(bytes.length + 1) : bytes.length);
    const expected = found(readRows, cut);
    if (expected.at < cut.length) ends += 1;
    t.deepEqual(found(readRowsNatively, cut), expected, Buffer.from(cut).toString('hex'));
  }
  t.true(ends > 10_000);
});
