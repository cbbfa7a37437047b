// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { parseReply } from '../../helpers/redis-client.js';

test('replies of every kind are parsed, with the offset behind them', (t) => {
  t.deepEqual(parseReply(Buffer.from('+PONG\r\n:5\r\n'), 0), ['PONG', 7]);
  t.deepEqual(parseReply(Buffer.from('+PONG\r\n:5\r\n'), 7), [5, 11]);
  t.deepEqual(parseReply(Buffer.from('$3\r\na\r\n\r\n'), 0), ['a\r\n', 9]);
  t.deepEqual(parseReply(Buffer.from('$-1\r\n'), 0), [null, 5]);
  t.deepEqual(parseReply(Buffer.from('*2\r\n$1\r\nx\r\n:-7\r\n'), 0), [['x', -7], 16]);
});

test('a reply that is cut off anywhere is not a reply yet', (t) => {
  const whole = Buffer.from('*2\r\n$5\r\nhello\r\n:12\r\n');
  for (let length = 0; length < whole.length; length++) {
    t.is(parseReply(whole.subarray(0, length), 0), undefined, String(length));
  }
});

test('an error reply is an error with the words of redis', (t) => {
  t.throws(() => parseReply(Buffer.from('-ERR no such thing\r\n'), 0), {
    name: 'ShimError',
    message: /ERR no such thing/,
  });
});
