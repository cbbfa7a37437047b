// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { parseTimers } from '../../../../src/criu/procfs/timers.js';
import { fixture, refuses } from './fixture.js';

test('timers of all ways to notify, on any clock', (t) => {
  t.deepEqual(parseTimers(fixture('odd/timers')), [
    { ...timer(3), signal: 0, value: 1n, notify: 'none', clockId: 1 },
    { ...timer(2), signal: 34, value: 0xdeadbeefcafen, toThread: true, clockId: 1 },
    { ...timer(1), clockId: -6 },
    { ...timer(0), clockId: 0 },
  ]);
});

test('a process without timers has none', (t) => {
  t.deepEqual(parseTimers(''), []);
});

for (const [what, from, to, shown] of [
  ['a timer cut off', /ClockID: 0\n$/, '', 'notify: signal'],
  ['an unknown way', /none\/pid/, 'mail/pid', 'mail'],
  ['a word for an id', /^ID: 2$/m, 'ID: two', 'ID: two'],
  ['lines out of order', /^ID: 1\n(signal.*\n)/m, '$1ID: 1\n', 'ID: 1'],
] as const) {
  test(`refused: ${what}`, (t) => {
    const text = fixture('odd/timers').toString().replace(from, to);
    refuses(t, () => parseTimers(text), { file: 'timers', shown });
  });
}

function timer(id: number) {
  return { id, signal: 14, value: 0n, notify: 'signal', toThread: false, target: 9434 };
}

test('a timer that signals nobody has any number for a signal', (t) => {
  const text = 'ID: 3\nsignal: -12345/0000000000000000\nnotify: none/pid.7\nClockID: 1\n';
  t.like(parseTimers(text)[0], { id: 3, signal: -12345, notify: 'none' });
});
