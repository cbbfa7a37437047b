// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { isLittle, preCopyMode } from '../../../../src/criu/checkpoint/copy-ahead.js';

test('MVAS_PRE_COPY is a mode, or left out', (t) => {
  t.is(preCopyMode(), 'never');
  t.is(preCopyMode(''), 'never');
  t.is(preCopyMode('auto'), 'auto');
  t.is(preCopyMode('always'), 'always');
});

test('MVAS_PRE_COPY that is not a mode is refused', (t) => {
  t.throws(() => preCopyMode('yes'), {
    message: 'MVAS_PRE_COPY=yes: it is not one of auto, never, always',
  });
});

test('little memory is not copied ahead, nor that of many small processes', (t) => {
  const mib = 1 << 20;
  t.true(isLittle([]));
  t.true(isLittle([31 * mib]));
  t.false(isLittle([32 * mib]));
  t.false(isLittle(Array<number>(40).fill(mib)));
  t.true(isLittle(Array<number>(40).fill(mib - 1)));
  t.true(isLittle(Array<number>(500).fill(200 << 10)));
});
