// SPDX-License-Identifier: Apache-2.0
import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { ShimError } from '../../../src/common/errors.js';
import { forAll } from '../../../src/common/for-all.js';

test('all begin at once, and results come in the order of the elements', async (t) => {
  const begun: number[] = [];
  const results = await forAll([3, 1, 2], async (turns) => {
    begun.push(turns);
    for (let turn = 0; turn < turns; turn++) await setImmediate();
    t.is(begun.length, 3);
    return turns * 10;
  });
  t.deepEqual(results, [30, 10, 20]);
});

test('the first error by that order is thrown, once nothing is under way', async (t) => {
  let ended = 0;
  const work = async (turns: number): Promise<void> => {
    for (let turn = 0; turn < turns; turn++) await setImmediate();
    ended++;
    if (turns > 1) throw new ShimError('aborted', String(turns));
  };
  await t.throwsAsync(forAll([1, 3, 2], work), { message: '3' });
  t.is(ended, 3);
});
