// SPDX-License-Identifier: Apache-2.0
import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { ShimError } from '../../../../src/common/errors.js';
import { inBatches } from '../../../../src/criu/image/batches.js';

test('all are worked on, few at once', async (t) => {
  let running = 0;
  let most = 0;
  const done: number[] = [];
  await inBatches(
    Array.from({ length: 100 }, (_, i) => i),
    async (each) => {
      most = Math.max(most, ++running);
      await setImmediate();
      running--;
      done.push(each);
    },
  );
  t.is(done.length, 100);
  t.true(most > 1 && most <= 64);
});

test('an error is thrown when nothing is under way, and ends the rest', async (t) => {
  let begun = 0;
  let running = 0;
  const work = inBatches(
    Array.from({ length: 100 }, (_, i) => i),
    async (each) => {
      begun++;
      if (each === 2) throw new ShimError('dataLoss', 'bad');
      running++;
      await setImmediate();
      running--;
    },
  );
  await t.throwsAsync(work, { instanceOf: ShimError, message: 'bad' });
  t.is(running, 0);
  t.is(begun, 64);
});
