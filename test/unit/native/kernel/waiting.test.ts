// SPDX-License-Identifier: Apache-2.0
import test, { type ExecutionContext } from 'ava';
import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { AF, MSG, O, SCM, SOCK } from '../../../../src/native/abi/index.js';
import { addressOf, syscall } from '../../../../src/native/index.js';
import { encodeControl } from '../../../../src/criu/resources/files/sockets/control-messages.js';
import {
  acceptQueueOf,
  learnKernel,
  tcpQueueAt,
  unixQueueBehind,
  UnreadableKernel,
  type KernelView,
} from '../../../../src/native/kernel/index.js';
import { check, closeFd, SYS } from '../../../../src/native/sys.js';
import { until } from '../../../helpers/run.js';

const DONT_WAIT = MSG.dontwait | MSG.nosignal;
const URGENT = 1;
/** Where such a test may not listen. */
const ANY_PORT = 0;

/** A kernel that can be read, or else the test ends here. */
function kernelOr(t: ExecutionContext): KernelView | undefined {
  const kernel = learnKernel(() => true);
  if (!kernel) {
    t.log('this kernel cannot be read');
    t.pass();
  }
  return kernel;
}

function socket(t: ExecutionContext, family: number, type: number): number {
  const fd = check('socket', syscall(SYS.socket, family, type | O.cloexec, 0));
  t.teardown(() => {
    closeFd(fd);
  });
  return fd;
}

function send(fd: number, bytes: Uint8Array, flags = 0): number {
  return check('send', syscall(SYS.sendto, fd, bytes, bytes.length, DONT_WAIT | flags, null, 0));
}

/** A listening unix socket, and a client that it has not accepted. */
function unixPair(t: ExecutionContext, type: number, name: string): [number, number] {
  const address = Buffer.concat([Buffer.of(AF.unix, 0, 0), Buffer.from(`mvas-test-${name}`)]);
  const [listener, client] = [socket(t, AF.unix, type), socket(t, AF.unix, type)];
  check('bind', syscall(SYS.bind, listener, address, address.length));
  check('listen', syscall(SYS.listen, listener, 5));
  check('connect', syscall(SYS.connect, client, address, address.length));
  return [listener, client];
}

/** The same of TCP, with more clients. */
function tcpListener(t: ExecutionContext, count: number): [number, number[]] {
  const listener = socket(t, AF.inet, SOCK.stream);
  const address = Buffer.alloc(16);
  address.writeUInt16LE(AF.inet, 0);
  address.writeUInt16BE(ANY_PORT, 2);
  address.writeUInt32BE(0x7f000001, 4);
  check('bind', syscall(SYS.bind, listener, address, address.length));
  check('listen', syscall(SYS.listen, listener, count));
  const size = new Uint8Array(Uint32Array.of(address.length).buffer);
  check('getsockname', syscall(SYS.getsockname, listener, address, size));
  const clients = Array.from({ length: count }, () => {
    const client = socket(t, AF.inet, SOCK.stream);
    check('connect', syscall(SYS.connect, client, address, address.length));
    return client;
  });
  return [listener, clients];
}

test('a stream that nobody has accepted is read in its pieces, and stays there', (t) => {
  const kernel = kernelOr(t);
  if (!kernel) return;
  const [listener, client] = unixPair(t, SOCK.stream, 'stream');
  const parts = [Buffer.from('early'), randomBytes(50_000)];
  for (const part of parts) send(client, part);
  const expected = Buffer.concat(parts);
  for (const look of ['first', 'second']) {
    const pieces = unixQueueBehind(kernel, client);
    t.true(Buffer.concat(pieces.map(({ payload }) => payload)).equals(expected), look);
    t.deepEqual(pieces[0]?.payload, parts[0]);
    t.true(pieces.every(({ files }) => files.length === 0));
    t.deepEqual(
      pieces.map(({ pid, uid, gid }) => [pid, uid, gid]),
      pieces.map(({ isSigned }) => [isSigned ? process.pid : 0, 0, 0]),
    );
  }
  const accepted = check('accept', syscall(SYS.accept4, listener, null, null, O.cloexec));
  t.teardown(() => {
    closeFd(accepted);
  });
  const got = Buffer.alloc(expected.length + 1);
  t.is(syscall(SYS.recvfrom, accepted, got, got.length, DONT_WAIT, null, null), expected.length);
  t.true(got.subarray(0, expected.length).equals(expected));
  t.throws(() => unixQueueBehind(kernel, client), { instanceOf: UnreadableKernel });
});

test('files that have been sent along are told', (t) => {
  const kernel = kernelOr(t);
  if (!kernel) return;
  const [listener, client] = unixPair(t, SOCK.seqpacket, 'files');
  const control = encodeControl(SCM.rights, [listener, client]);
  const header = new BigUint64Array(7); // struct msghdr
  header[4] = addressOf(control);
  header[5] = BigInt(control.length);
  check('send', syscall(SYS.sendmsg, client, header, DONT_WAIT));
  send(client, Buffer.from('none'));
  const [first, second] = unixQueueBehind(kernel, client);
  const files = kernel.objects.openFiles();
  t.deepEqual(first?.files, [files[listener], files[client]]);
  t.deepEqual(second?.files, []);
});

test('messages keep their limits, also empty ones', (t) => {
  const kernel = kernelOr(t);
  if (!kernel) return;
  const [, client] = unixPair(t, SOCK.seqpacket, 'messages');
  const messages = [Buffer.from('one'), Buffer.alloc(0), randomBytes(10_000)];
  for (const message of messages) send(client, message);
  t.deepEqual(
    unixQueueBehind(kernel, client).map(({ payload }) => payload),
    messages,
  );
});

test('TCP connections are listed in the order in which they will be accepted, with what has arrived', async (t) => {
  const kernel = kernelOr(t);
  if (!kernel) return;
  const [listener, clients] = tcpListener(t, 5);
  const sent = clients.map((_, index) => randomBytes(index * 9_000));
  clients.forEach((client, index) => send(client, sent[index] ?? Buffer.alloc(0)));
  const looks = () => acceptQueueOf(kernel, listener).map((end) => tcpQueueAt(kernel, end));
  // What goes over loopback arrives soon.
  let seen = looks();
  for (let tries = 0; tries < 6000 && !isDeepStrictEqual(seen, sent); tries++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    seen = looks();
  }
  t.deepEqual(seen, sent);
});

test('urgent data is not taken for data', async (t) => {
  const kernel = kernelOr(t);
  if (!kernel) return;
  const [listener, [client = -1]] = tcpListener(t, 1);
  send(client, Buffer.from('early'));
  send(client, Buffer.from('!'), URGENT);
  await until('it to arrive', () => {
    const [end] = acceptQueueOf(kernel, listener);
    try {
      if (end) tcpQueueAt(kernel, end);
      return Promise.resolve(false);
    } catch (error) {
      if (error instanceof UnreadableKernel) return Promise.resolve(true);
      throw error;
    }
  });
  t.pass();
});

test.serial('without BPF nothing is read', (t) => {
  process.env['MVAS_NO_BPF'] = '1';
  t.teardown(() => {
    delete process.env['MVAS_NO_BPF'];
  });
  t.is(
    learnKernel(() => true),
    undefined,
  );
});
