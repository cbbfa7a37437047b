// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { shellStatus } from '../../../../src/criu/vas/exit-watch.js';

test('an exit code is passed on', (t) => {
  for (const code of [0, 1, 127, 255]) t.is(shellStatus(code << 8), code);
});

test('a signal counts from 128 on', (t) => {
  t.is(shellStatus(9), 137);
  t.is(shellStatus(15), 143);
});

test('a core dump changes nothing', (t) => {
  t.is(shellStatus(11 | 0x80), 139);
});
