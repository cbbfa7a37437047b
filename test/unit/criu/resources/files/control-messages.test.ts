// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import {
  encodeControl,
  parseControl,
} from '../../../../../src/criu/resources/files/sockets/control-messages.js';

test('parses what it encodes', (t) => {
  const bytes = Buffer.concat([encodeControl(2, [7, 8, 9]), encodeControl(1, [3, 5, 6])]);
  t.deepEqual(parseControl(bytes), {
    rights: [3, 5, 6],
    credentials: { pid: 7, uid: 8, gid: 9 },
    pidfd: undefined,
  });
});

test('parses a pidfd', (t) => {
  t.is(parseControl(Buffer.from(encodeControl(4, [11]))).pidfd, 11);
});

test('lays messages out as cmsg(3) says', (t) => {
  const bytes = Buffer.from(encodeControl(1, [3]));
  t.is(bytes.length, 24);
  t.is(bytes.readBigUInt64LE(0), 20n);
  t.deepEqual(
    [8, 12, 16].map((at) => bytes.readInt32LE(at)),
    [1, 1, 3],
  );
});

test('stops at a message of no sensible length', (t) => {
  const bytes = Buffer.from(encodeControl(1, [3]));
  for (const length of [0n, 15n, 25n]) {
    bytes.writeBigUInt64LE(length, 0);
    t.deepEqual(parseControl(bytes).rights, []);
  }
});
