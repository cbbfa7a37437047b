// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { Lasting } from '../../../src/criu/lasting.js';

test('a thing is made once for each key, and nothing is kept of what could not be made', (t) => {
  const lasting = new Lasting();
  const made: string[] = [];
  const get = (key: string, thing?: number): number | undefined =>
    lasting.get(key, () => {
      made.push(key);
      return thing;
    });
  t.is(get('a', 1), 1);
  t.is(get('a', 2), 1);
  t.is(get('b'), undefined);
  t.is(get('b', 3), 3);
  t.deepEqual(made, ['a', 'b', 'b']);
});

test('what is open is closed once, and made anew if it is needed after that', (t) => {
  const lasting = new Lasting();
  let closed = 0;
  lasting.get('a', () => {
    lasting.atClose(() => closed++);
    return 1;
  });
  lasting.close();
  lasting.close();
  t.is(closed, 1);
  t.is(
    lasting.get('a', () => 2),
    2,
  );
});
