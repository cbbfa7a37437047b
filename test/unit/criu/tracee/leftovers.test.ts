// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { decodeMark, encodeMark } from '../../../../src/criu/tracee/leftovers.js';

const START = 0x7f0000001000n;

test('a mark tells where the memory begins and how much it is', (t) => {
  const remains = { start: START, size: 73728 };
  t.deepEqual(decodeMark(START, encodeMark(remains)), remains);
});

test('a copy of a mark elsewhere, or a torn one, is none', (t) => {
  const mark = encodeMark({ start: START, size: 73728 });
  t.is(decodeMark(START + 0x1000n, mark), undefined);
  t.is(decodeMark(START, mark.subarray(0, -1)), undefined);
  t.is(decodeMark(START, new Uint8Array(mark.length)), undefined);
  t.is(decodeMark(START, encodeMark({ start: START, size: 0 })), undefined);
  t.is(decodeMark(START, encodeMark({ start: START, size: 5000 })), undefined);
});
