// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { parseStream } from '../../../../src/shim/io/stdio-uri.js';

test('streams are nothing, a path, a file or a logger', (t) => {
  t.deepEqual(parseStream(''), { kind: 'none' });
  t.deepEqual(parseStream('/run/fifo?x'), { kind: 'path', path: '/run/fifo?x' });
  t.deepEqual(parseStream('fifo:///run/fifo'), { kind: 'path', path: '/run/fifo' });
  t.deepEqual(parseStream('file:///var/a%20b.log'), { kind: 'file', path: '/var/a b.log' });
  t.deepEqual(parseStream('binary:///bin/log?a=1&a=2&b'), {
    kind: 'binary',
    path: '/bin/log',
    args: ['a', '1', 'b'],
  });
});

test('other streams are refused', (t) => {
  t.throws(() => parseStream('ttrpc+unix:///s?streaming_id=1'), { message: /not supported/ });
  t.throws(() => parseStream('relative'), { message: /not an absolute path/ });
});
