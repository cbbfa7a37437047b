// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { preCopyMode } from '../../../../src/criu/checkpoint/copy-ahead.js';

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
