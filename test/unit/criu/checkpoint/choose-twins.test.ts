// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { twinMode } from '../../../../src/criu/checkpoint/choose-twins.js';

test('MVAS_TWIN is a mode, or left out', (t) => {
  t.is(twinMode(), 'auto');
  t.is(twinMode(''), 'auto');
  t.is(twinMode('never'), 'never');
  t.is(twinMode('auto'), 'auto');
  t.is(twinMode('always'), 'always');
});

test('MVAS_TWIN that is not a mode is refused', (t) => {
  t.throws(() => twinMode('yes'), {
    message: 'MVAS_TWIN=yes: it is not one of auto, never, always',
  });
});
