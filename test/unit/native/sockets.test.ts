// SPDX-License-Identifier: Apache-2.0
import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import test from 'ava';
import { AF, POLL, SO, SOCK, SOCKET_STATE, SOL } from '../../../src/native/abi/index.js';
import { lookAtSockets, LOOK_SIZE, readOptions } from '../../../src/native/index.js';
import { call, SYS } from '../../../src/native/sys.js';
import { SocketLook } from '../../../src/criu/resources/files/sockets/socket-table.js';
import { socketAddress } from '../../../src/criu/resources/files/sockets/inet-address.js';
import { until } from '../../helpers/run.js';
import { setNow } from '../../../src/criu/resources/files/sockets/set-now.js';

const { EBADF, ENOPROTOOPT, ENOTCONN } = constants.errno;
/** An option that the kernel does not have. */
const NO_OPTION = 9999;
const LOOPBACK = 0x0100007f;
/** SO_PRIORITY. */
const PRIORITY = 12;
/** So many that two threads read. */
const MANY = 100;

interface Teardown {
  teardown(work: () => void): void;
}

function socket(t: Teardown, family: number, type: number = SOCK.stream): number {
  const fd = call('socket', SYS.socket, family, type, 0);
  t.teardown(() => {
    closeSync(fd);
  });
  return fd;
}

test('each option of a socket is told with its size, or why there is none', (t) => {
  const asked = [SO.type, 4, NO_OPTION, 4, SO.linger, 8, SO.domain, 4];
  const names = Int32Array.from(
    [0, 2, 4, 6].flatMap((at) => [SOL.socket, ...asked.slice(at, at + 2)]),
  );
  const words = (bytes: Buffer): number[] => [...new Int32Array(Uint8Array.from(bytes).buffer)];
  const { kinds, records } = readOptions(Int32Array.of(socket(t, AF.unix), 1_000_000), names);
  t.deepEqual([...kinds], [0, 1]);
  const there = [4, -ENOPROTOOPT, 8, 4, SOCK.stream, 0, 0, 0, AF.unix];
  t.deepEqual(words(records), [...there, -EBADF, -EBADF, -EBADF, -EBADF, 0, 0, 0, 0, 0]);
  t.is(readOptions(new Int32Array(0), names).records.length, 0);
});

test('sockets of which all options are the same share a record', (t) => {
  const names = Int32Array.of(SOL.socket, PRIORITY, 4, SOL.socket, SO.reuseAddr, 4);
  const sockets = Array.from({ length: MANY }, () => socket(t, AF.inet));
  sockets.forEach((fd, index) => {
    setNow(fd, [SOL.socket, PRIORITY], index % 3);
  });
  const { kinds, records } = readOptions(Int32Array.from(sockets), names);
  t.deepEqual(
    [...kinds],
    sockets.map((_, index) => index % 3),
  );
  t.is(records.length, 3 * 16);
  t.deepEqual(
    [0, 1, 2].map((kind) => records.readInt32LE(kind * 16 + 8)),
    [0, 1, 2],
  );
});

test('a look at a socket tells its addresses, TCP_INFO, its events, and what can be read', async (t) => {
  const listener = socket(t, AF.inet);
  const any = socketAddress(AF.inet, 0, [LOOPBACK]);
  call('bind', SYS.bind, listener, any, any.length);
  call('listen', SYS.listen, listener, 7);
  const { port = 0 } = lookAt(listener).source ?? {};
  const client = socket(t, AF.inet);
  const there = socketAddress(AF.inet, port, [LOOPBACK]);
  call('connect', SYS.connect, client, there, there.length);
  const server = call('accept', SYS.accept4, listener, null, null, SOCK.cloexec);
  t.teardown(() => {
    closeSync(server);
  });
  call('write', SYS.write, client, Buffer.from('12345'), 5);
  call('shutdown', SYS.shutdown, client, 1);
  const arrived = (look: SocketLook): boolean => look.unread === 5 && look.events !== 0;
  await until('all to arrive', () => Promise.resolve(arrived(lookAt(server))));
  const [first, second, third, dgram, six] = [
    ...[listener, client, server].map(lookAt),
    lookAt(socket(t, AF.inet, SOCK.dgram)),
    lookAt(socket(t, AF.inet6)),
  ] as SocketLook[];
  t.like(first?.info, { state: SOCKET_STATE.listen, backlog: 7, pending: 0 });
  t.is(first?.peer, undefined);
  t.deepEqual(second?.peer, { port, words: [LOOPBACK], scope: 0 });
  t.deepEqual(third?.peer, second?.source);
  t.is(second?.info.sent, 5n);
  t.is(third?.unread, 5);
  t.is(third?.events, POLL.rdhup);
  t.throws(() => dgram?.info, { message: /TCP_INFO: EOPNOTSUPP|TCP_INFO: ENOPROTOOPT/ });
  t.deepEqual(six?.source, { port: 0, words: [0, 0, 0, 0], scope: 0 });
  t.is(six?.peer, undefined);
});

test('many sockets are looked at as one is', (t) => {
  const sockets = Array.from({ length: MANY }, () => socket(t, AF.inet));
  const rows = lookAtSockets(Int32Array.from([...sockets, 1_000_000]));
  t.is(rows.length, (MANY + 1) * LOOK_SIZE);
  for (let index = 0; index < MANY; index++) {
    t.is(new SocketLook(rows, index).info.state, SOCKET_STATE.close);
    t.is(rows[index * LOOK_SIZE + 1], -ENOTCONN);
  }
  t.deepEqual([...rows.slice(MANY * LOOK_SIZE, MANY * LOOK_SIZE + 3)], [-EBADF, -EBADF, -EBADF]);
});

function lookAt(fd: number): SocketLook {
  return new SocketLook(lookAtSockets(Int32Array.of(fd)), 0);
}
