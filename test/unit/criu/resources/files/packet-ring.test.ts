// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { piecesOf } from '../../../../../src/criu/memory/ring.js';
import {
  parseHeader,
  stateOf,
  type BlockHeader,
} from '../../../../../src/criu/resources/files/kinds/packet/ring-blocks.js';

/** Headers of blocks: what the kernel counts, and `u` for those that are unread. */
function blocks(text: string): BlockHeader[] {
  return text.split(' ').map((word) => ({
    isUnread: word.endsWith('u'),
    packets: 3,
    length: 100,
    sequence: BigInt(word.replace('u', '')),
  }));
}

const STATES: readonly (readonly [
  what: string,
  text: string,
  head: number,
  unread: number[],
  lost: number,
])[] = [
  ['that nothing has reached is empty', '0 0 0', 0, [], 0],
  ['goes on with the block that is being filled', '1 2 0 0', 1, [], 3],
  ['keeps what waits before that', '5u 6u 7 4', 2, [0, 1], 3],
  ['keeps what waits on both sides of its end', '8u 9 6u 7u', 1, [0, 2, 3], 3],
  ['that is full loses the newest block', '5u 6u 3u 4u', 1, [0, 2, 3], 3],
  ['goes on behind a full round once a block is free', '5u 6u 3 4u', 2, [0, 1, 3], 0],
];
for (const [what, text, head, unread, lost] of STATES) {
  test(`a ring ${what}`, (t) => {
    t.deepEqual(stateOf(blocks(text)), { head, unread, lost });
  });
}

test('a ring of one block that is unread has no place to begin anew', (t) => {
  t.is(stateOf(blocks('7u')), undefined);
});

test('a header is the kernel’s structure', (t) => {
  const bytes = Buffer.alloc(48);
  bytes.writeUInt32LE(33, 8);
  bytes.writeUInt32LE(2, 12);
  bytes.writeUInt32LE(500, 20);
  bytes.writeBigUInt64LE(9n, 24);
  t.deepEqual(parseHeader(bytes), { isUnread: true, packets: 2, length: 500, sequence: 9n });
});

test('mappings of a ring lie in one or two pieces in one that begins elsewhere', (t) => {
  const ring = { size: 80n, head: 30n };
  t.deepEqual(piecesOf({ ...ring, head: 0n }, 0n, 80n), [{ at: 0n, from: 0n, length: 80n }]);
  t.deepEqual(piecesOf(ring, 0n, 80n), [
    { at: 0n, from: 50n, length: 30n },
    { at: 30n, from: 0n, length: 50n },
  ]);
  t.deepEqual(piecesOf(ring, 30n, 50n), [{ at: 0n, from: 0n, length: 50n }]);
  t.deepEqual(piecesOf(ring, 10n, 20n), [{ at: 0n, from: 60n, length: 20n }]);
});
