// SPDX-License-Identifier: Apache-2.0
import type { MvasTcpKey } from '../../../../../src/criu/image/types.js';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import test from 'ava';
import { ShimError } from '../../../../../src/common/errors.js';
import { ownPid } from '../../../../../src/common/ids.js';
import type { InetAddress } from '../../../../../src/criu/resources/files/sockets/inet-address.js';
import {
  findConnections,
  parseConnections,
  parseKeyedSockets,
  parseShutdowns,
  parseUnixDiag,
  type TcpDiag,
  type UnixDiag,
} from '../../../../../src/criu/resources/files/sockets/sock-diag.js';

function attribute(type: number, value: Buffer): Buffer {
  const padded = Buffer.alloc(4 + ((value.length + 3) & ~3));
  padded.writeUInt16LE(4 + value.length, 0);
  padded.writeUInt16LE(type, 2);
  value.copy(padded, 4);
  return padded;
}

function words(...values: number[]): Buffer {
  return Buffer.from(Uint32Array.from(values).buffer);
}

function message(type: number, body: Buffer): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt32LE(16 + body.length, 0);
  header.writeUInt16LE(type, 4);
  return Buffer.concat([header, body]);
}

function socket(inode: number, ...attributes: Buffer[]): Buffer {
  const body = Buffer.alloc(16);
  body.set([1, 5, 10, 0]);
  body.writeUInt32LE(inode, 4);
  return message(20, Buffer.concat([body, ...attributes]));
}

const DONE = message(3, words(0));

test('sockets of several messages are found, with what is told of them', (t) => {
  const found = new Map<number, UnixDiag>();
  const first = socket(
    7,
    attribute(0, Buffer.from('/run/s\0')),
    attribute(2, words(8)),
    attribute(3, words(11, 0)),
    attribute(4, words(3, 128)),
    attribute(6, Buffer.of(2)),
  );
  t.true(parseUnixDiag(Buffer.concat([first, socket(8)]), found));
  t.false(parseUnixDiag(DONE, found));
  t.deepEqual(found.get(7), {
    inode: 7,
    type: 5,
    state: 10,
    name: Uint8Array.from(Buffer.from('/run/s\0')),
    peer: 8,
    waiting: [11, 0],
    receiveQueue: 3,
    sendQueue: 128,
    shutdown: 2,
  });
  t.is(found.get(8)?.peer, 0);
  t.is(found.get(8)?.name.length, 0);
});

test('the keys of TCP sockets are told, and who has none', (t) => {
  const found = new Map<number, MvasTcpKey[]>();
  const tcp = (inode: number, ...attributes: Buffer[]): Buffer => {
    const body = Buffer.alloc(72);
    body.writeUInt32LE(inode, 68);
    return message(20, Buffer.concat([body, ...attributes]));
  };
  const key = (family: number, prefix: number, text: string): Buffer => {
    const bytes = Buffer.alloc(100);
    bytes.set([family, prefix, text.length, 0, 127, 0, 0, 1], 0);
    bytes.write(text, 20);
    return bytes;
  };
  const info = attribute(2, words(1, 2));
  const keys = attribute(18, Buffer.concat([key(10, 64, 'one'), key(2, 32, 'other')]));
  t.true(parseKeyedSockets(Buffer.concat([tcp(7, info), tcp(8, info, keys), tcp(9)]), found));
  t.false(parseKeyedSockets(DONE, found));
  t.deepEqual([...found.keys()], [7, 8, 9]);
  t.deepEqual([found.get(7), found.get(9)], [[], []]);
  const [first, second] = found.get(8) ?? [];
  t.like(first, { prefix: 64, key: Uint8Array.from(Buffer.from('one')) });
  t.is(first?.address.length, 16);
  const address = Uint8Array.of(127, 0, 0, 1);
  t.deepEqual(second, { address, prefix: 32, key: Uint8Array.from(Buffer.from('other')) });
});

test('an error of the kernel and nonsense are errors', (t) => {
  const denied = Buffer.alloc(4);
  denied.writeInt32LE(-1);
  const broken = Buffer.from(DONE);
  broken.writeUInt32LE(1 << 20, 0);
  for (const datagram of [message(2, denied), broken]) {
    t.throws(() => parseUnixDiag(datagram, new Map()), { instanceOf: ShimError });
  }
});

test('internet sockets that are shut down are found, with the direction', (t) => {
  const found = new Map<number, number>();
  const inet = (inode: number, ...attributes: Buffer[]): Buffer => {
    const body = Buffer.alloc(72);
    body.writeUInt32LE(inode, 68);
    return message(20, Buffer.concat([body, ...attributes]));
  };
  const shutdown = (how: number): Buffer => attribute(8, Buffer.of(how));
  const datagram = Buffer.concat([inet(5), inet(6, shutdown(0)), inet(7, shutdown(2))]);
  t.true(parseShutdowns(datagram, found));
  t.deepEqual([...found], [[7, 2]]);
});

test('connections are found with their ends', (t) => {
  const body = Buffer.alloc(72);
  body.set([2, 1]);
  body.writeUInt16BE(1024, 4);
  body.writeUInt16BE(80, 6);
  body.set([127, 0, 0, 1], 8);
  body.set([10, 0, 0, 2], 24);
  body.writeBigUInt64LE(0x123456789n, 44);
  body.writeUInt32LE(77, 68);
  const six = Buffer.from(body);
  six.set([10]);
  const found: TcpDiag[] = [];
  const info = Buffer.alloc(136);
  info.writeUInt32LE(5, 44);
  info.writeBigUInt64LE(6n, 128);
  const first = message(20, Buffer.concat([body, attribute(2, info)]));
  t.true(parseConnections(Buffer.concat([first, message(20, six)]), found));
  t.false(parseConnections(DONE, found));
  t.deepEqual(found[0], {
    source: { port: 1024, words: [0x0100007f], scope: 0 },
    peer: { port: 80, words: [0x0200000a], scope: 0 },
    ...{ inode: 77, state: 1, idleMs: 5, received: 6n, cookie: 0x123456789n },
  });
  t.deepEqual(found[1]?.peer.words, [0x0200000a, 0, 0, 0]);
  t.is(found[1]?.received, 0n);
  t.throws(() => parseConnections(message(20, body.subarray(0, 60)), found), {
    instanceOf: ShimError,
  });
});

test('the kernel finds a connection by its ends, and no other', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const socket = connect(port, '127.0.0.1');
  const [accepted] = (await once(server, 'connection')) as [Socket];
  t.teardown(() => {
    for (const one of [socket, accepted]) one.destroy();
  });
  const at = (number = 0): InetAddress => ({ port: number, words: [0x0100007f], scope: 0 });
  const [client, listener, nobody] = [at(accepted.remotePort), at(port), at(1)];
  const wanted = [
    { source: nobody, peer: listener },
    { source: client, peer: listener },
    { source: listener, peer: nobody }, // It listens.
    { source: listener, peer: client },
  ];
  const many = Array.from({ length: 40 }, () => wanted).flat();
  const found = findConnections(ownPid(), many);
  t.is(found.length, 80);
  t.deepEqual(
    found.slice(0, 2).map(({ source, state }) => [source.port, state]),
    [client.port, port].map((one) => [one, 1]),
  );
  t.true(found.every(({ inode }) => inode !== 0));
});
