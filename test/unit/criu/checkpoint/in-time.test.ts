// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { inTime } from '../../../../src/criu/checkpoint/in-time.js';

test('what is done in time is what it is', async (t) => {
  t.is(await inTime(Promise.resolve(7), 60_000, 'count'), 7);
  await t.throwsAsync(inTime(Promise.reject(new Error('no')), 60_000, 'count'), { message: 'no' });
});

test('what is not done in time fails, and says what it was', async (t) => {
  const never = new Promise<void>(() => undefined);
  await t.throwsAsync(inTime(never, 10, 'write the image'), {
    message: 'write the image: not done after 0.01 s',
  });
});
