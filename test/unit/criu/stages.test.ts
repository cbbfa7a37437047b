// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { ShimError } from '../../../src/common/errors.js';
import { StageClock } from '../../../src/criu/stages.js';

test.serial('each stage takes the time since the one before it', async (t) => {
  const clock = new StageClock();
  await delay(20);
  const before = performance.now();
  clock.end('copy');
  clock.end('commit');
  const passedMs = performance.now() - before;
  const { copy = 0, commit = Infinity } = clock.timingsMs;
  t.deepEqual(Object.keys(clock.timingsMs), ['copy', 'commit']);
  t.true(copy >= 15);
  t.true(commit <= passedMs + 0.001, 'rounded to microseconds');
});

test.serial('stages add up, and those that were not reached count nothing', (t) => {
  const clock = new StageClock();
  Object.assign(clock.timingsMs, { seize: 1.25, copy: 2.5, commit: 100 });
  t.is(clock.sum(['seize', 'copy', 'resume']), 3.75);
  t.is(clock.sum([]), 0);
});

test.serial('a fault is injected after the stage it names, and after no other', (t) => {
  t.teardown(() => {
    delete process.env['MVAS_FAULT'];
  });
  process.env['MVAS_FAULT'] = 'copy';
  const clock = new StageClock();
  clock.end('seize');
  t.throws(
    () => {
      clock.end('copy');
    },
    { instanceOf: ShimError, message: 'fault injected after stage copy' },
  );
  t.true('copy' in clock.timingsMs);
});
