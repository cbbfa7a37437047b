// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { cloneRequest } from '../../../../src/shim/task/clone-policy.js';

for (const [text, signal] of [
  ['SIGUSR1', 10],
  ['USR1', 10],
  ['34', 34],
] as const) {
  test(`${text} is signal ${String(signal)}`, (t) => {
    t.deepEqual(cloneRequest({ 'mvas.clone.signal': text }), { index: undefined, signal });
  });
}

for (const text of ['KILL', 'SIGSTOP', '0', '65', '', 'toString', 'usr1']) {
  test(`'${text}' is no signal that can be handled`, (t) => {
    t.throws(() => cloneRequest({ 'mvas.clone.signal': text }), {
      message: /^annotation mvas\.clone\.signal is /,
    });
  });
}

test('an index is a number', (t) => {
  t.is(cloneRequest({ 'mvas.clone.index': '12' }).index, 12);
  t.throws(() => cloneRequest({ 'mvas.clone.index': '-1' }), { message: /not a number/ });
});
