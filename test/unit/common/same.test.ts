// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { areSame } from '../../../src/common/same.js';

const same: readonly (readonly [unknown, unknown])[] = [
  [1n, 1n],
  [NaN, NaN],
  [{ a: [1, { b: 2n }], c: undefined }, { a: [1, { b: 2n }] }],
  [new Set([1, 2]), new Set([2, 1])],
  [new Map([[1, { a: 1 }]]), new Map([[1, { a: 1 }]])],
  [Uint8Array.of(1, 2), Buffer.of(1, 2)],
];
const different: readonly (readonly [unknown, unknown])[] = [
  [1n, 1],
  [undefined, null],
  [null, {}],
  [{}, { a: 1 }],
  [{ a: [1, { b: 2n }] }, { a: [1, { b: 3n }] }],
  [[1], [1, 2]],
  [[], {}],
  [new Set([1]), new Set([2])],
  [new Set([1]), new Set()],
  [new Set(), new Map()],
  [new Set(), []],
  [new Map([[1, 1]]), new Map([[1, 2]])],
  [new Map([[1, undefined]]), new Map([[2, undefined]])],
  [Uint8Array.of(1), Uint8Array.of(2)],
  [Uint8Array.of(1), [1]],
  [new Date(0), {}],
  [new Date(0), new Date(0)],
  [Uint16Array.of(1), Uint16Array.of(1)],
  [new ArrayBuffer(1), new ArrayBuffer(1)],
];

test('values are the same by what they hold', (t) => {
  for (const [one, other] of same) t.true(areSame(one, other) && areSame(other, one), String(one));
});

test('values that hold anything else are not, on whichever side that is', (t) => {
  for (const [one, other] of different) {
    t.false(areSame(one, other) || areSame(other, one), `${String(one)} and ${String(other)}`);
  }
});
