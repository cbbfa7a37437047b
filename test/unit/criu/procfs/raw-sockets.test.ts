// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { parseRawPeers } from '../../../../src/criu/procfs/raw-sockets.js';

const HEADER =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n';
const REST = '00000000:00000000 00:00000000 00000000     0        0 4711 2 0000000000000000 0\n';

test('connected sockets have a peer, whatever its port', (t) => {
  const text = `${HEADER}    1: 00000000:0001 0100007F:0000 01 ${REST}`;
  t.deepEqual(parseRawPeers(text), [{ inode: 4711, words: [0x0100007f], port: 0 }]);
  const six = `    1: ${'0'.repeat(32)}:003A ${'0'.repeat(24)}01000000:000A 01 ${REST}`;
  t.deepEqual(parseRawPeers(HEADER + six), [
    { inode: 4711, words: [0, 0, 0, 0x01000000], port: 10 },
  ]);
});

test('others have none, nor has a text that is none', (t) => {
  t.deepEqual(parseRawPeers(`${HEADER}    1: 00000000:0001 00000000:0000 07 ${REST}`), []);
  t.deepEqual(parseRawPeers(''), []);
  t.deepEqual(parseRawPeers('a b c d e f g h i j'), []);
});
