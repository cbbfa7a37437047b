// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { asVasId } from '../../../../src/common/ids.js';
import { takenBy, type Holding } from '../../../../src/criu/index.js';

const idOf = (letter: string) => asVasId(letter.repeat(32));
const whole = (letter: string): Holding => ({ id: idOf(letter), bytes: 100 });
const forked = (letter: string, origin: string, copied = 3): Holding => ({
  ...whole(letter),
  ...{ origin: idOf(origin), copied },
});

test('a VAS that was forked from another one takes what it has copied', (t) => {
  t.is(takenBy([whole('a'), forked('b', 'a'), forked('c', 'b')]), 106);
});

test('once that is gone, all of it', (t) => {
  t.is(takenBy([forked('b', 'a'), forked('c', 'b')]), 103);
});

test('what was copied again and again is there once', (t) => {
  t.is(takenBy([whole('a'), forked('b', 'a', 250)]), 200);
});

test('nothing takes nothing', (t) => {
  t.is(takenBy([]), 0);
});
