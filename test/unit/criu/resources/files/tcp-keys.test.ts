// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import type { MvasTcpKey } from '../../../../../src/criu/image/types.js';
import { isSameKey, keyFor } from '../../../../../src/criu/resources/files/sockets/tcp-keys.js';

function key(address: readonly number[], prefix: number, text: string): MvasTcpKey {
  return { address: Uint8Array.from(address), prefix, key: Buffer.from(text) };
}

/** Words in network order, as images have them. */
const LOCAL = { port: 80, scope: 0, words: [0x0100007f] };
const MAPPED = { port: 80, scope: 0, words: [0, 0, 0xffff0000, 0x0100007f] };
const LOCAL6 = { port: 80, scope: 0, words: [0, 0, 0, 0x01000000] };

const WIDE = key([127, 0, 0, 0], 8, 'wide');
const NARROW = key([127, 0, 0, 1], 32, 'narrow');
const OTHER = key([127, 0, 0, 2], 31, 'other');
const SIX = key([...new Array<number>(15).fill(0), 1], 128, 'six');
const ALL6 = key(new Array<number>(16).fill(0), 0, 'all');

test('the key with the longest prefix is that of a peer', (t) => {
  t.is(keyFor([WIDE, NARROW, OTHER, ALL6], LOCAL), NARROW);
  t.is(keyFor([NARROW, WIDE], MAPPED), NARROW);
  t.is(keyFor([WIDE, OTHER], LOCAL), WIDE);
  t.is(keyFor([ALL6, SIX], LOCAL6), SIX);
  t.is(keyFor([WIDE, ALL6], LOCAL6), ALL6);
  t.is(keyFor([OTHER, ALL6], LOCAL), undefined);
});

test('keys are the same by their bytes', (t) => {
  t.true(isSameKey(NARROW, key([10, 0, 0, 1], 8, 'narrow')));
  t.false(isSameKey(NARROW, WIDE));
  t.false(isSameKey(NARROW, undefined));
  t.false(isSameKey(undefined, NARROW));
  t.true(isSameKey(undefined, undefined));
});
