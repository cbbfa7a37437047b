// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import {
  parsePacketDiag,
  type PacketDiag,
} from '../../../../../src/criu/resources/files/sockets/packet-diag.js';

function words(...values: number[]): Buffer {
  return Buffer.from(Uint32Array.from(values).buffer);
}

function attribute(type: number, value: Buffer): Buffer {
  const header = Buffer.alloc(4);
  header.writeUInt16LE(4 + value.length, 0);
  header.writeUInt16LE(type, 2);
  return Buffer.concat([header, value]);
}

function socket(inode: number, ...attributes: Buffer[]): Buffer {
  const body = Buffer.concat([words(0x11, inode, 0, 0), ...attributes]);
  const header = Buffer.alloc(16);
  header.writeUInt32LE(16 + body.length, 0);
  header.writeUInt16LE(20, 4);
  return Buffer.concat([header, body]);
}

/** The second of two memberships as the kernel lists them: joined twice, in all packets of an interface. */
const MEMBERSHIPS = Buffer.concat([
  words(1, 1, 0x0006_0000),
  Buffer.from('01005e010203', 'hex'),
  Buffer.alloc(26),
  words(2, 2, 1),
  Buffer.alloc(32),
]);

test('what packet_diag tells of packet sockets is found', (t) => {
  const found = new Map<number, PacketDiag>();
  const told = [
    attribute(0, words(1, 2, 0, 77, 0, 1)),
    attribute(1, MEMBERSHIPS),
    attribute(2, words(4096, 4, 2048, 8, 10, 0, 1)),
    attribute(4, words(0x1234)),
  ];
  t.true(parsePacketDiag(Buffer.concat([socket(7, ...told), socket(8)]), found));
  const nothing = { copyThreshold: 0, isRunning: false, memberships: [], receiveRing: undefined };
  t.deepEqual(found.get(8), { inode: 8, ...nothing, sendRing: undefined, hasFanout: false });
  const group = Uint8Array.from(Buffer.from('01005e010203', 'hex'));
  t.deepEqual(found.get(7), {
    inode: 7,
    copyThreshold: 77,
    isRunning: true,
    memberships: [
      { index: 1, count: 1, type: 0, address: group },
      { index: 2, count: 2, type: 1, address: new Uint8Array() },
    ],
    receiveRing: {
      ...{ block_size: 4096, block_nr: 4, frame_size: 2048, frame_nr: 8 },
      ...{ retire_tmo: 10, sizeof_priv: 0, features: 1 },
    },
    sendRing: undefined,
    hasFanout: true,
  });
});
