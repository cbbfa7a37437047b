// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { GuestConsole } from '../../kernel/guest.js';

function read(lines: readonly string[]): GuestConsole {
  const guest = new GuestConsole();
  for (const line of lines) guest.line(line);
  return guest;
}

test('results are told by group and name, and no two by the same', (t) => {
  const { results } = read(['# GROUP api', 'ok 1 - it', 'not ok 2 - it', '# GROUP b', 'ok - it']);
  t.deepEqual(
    results.map(({ title, passed }) => [title, passed]),
    [
      ['api: it', true],
      ['api: it (2)', false],
      ['b: it', true],
    ],
  );
});

test('what is skipped says why', (t) => {
  const [result] = read(['ok 1 - reclaim # SKIP no swap']).results;
  t.is(result?.title, 'guest: reclaim');
  t.is(result?.skipped, 'no swap');
});

test('the seed of a group is told with each of its results', (t) => {
  const { results } = read([
    '# GROUP fuzz',
    '# seed 7, 5 seconds',
    'ok - a',
    'ok - b',
    '# GROUP c',
    'ok - d',
  ]);
  t.deepEqual(
    results.map(({ notes }) => notes),
    [['# seed 7, 5 seconds'], ['# seed 7, 5 seconds'], []],
  );
});

test('a result has the lines before it as notes', (t) => {
  const { results } = read(['ok - a', '# BUG', '#  at x', 'not ok - the log is clean']);
  t.deepEqual(results[1]?.notes, ['# BUG', '#  at x']);
});
