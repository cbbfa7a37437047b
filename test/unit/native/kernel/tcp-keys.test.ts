// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { ownPid } from '../../../../src/common/ids.js';
import { AF, O, SOCK, SOL } from '../../../../src/native/abi/index.js';
import { syscall } from '../../../../src/native/index.js';
import { learnKernel, tcpKeysOf } from '../../../../src/native/kernel/index.js';
import { check, closeFd, SYS } from '../../../../src/native/sys.js';
import { listKeyedSockets } from '../../../../src/criu/resources/files/sockets/sock-diag.js';
import { fstatSync } from 'node:fs';

const TCP_MD5SIG_EXT = 32;
const FLAG = { prefix: 1, device: 2 } as const;

/** A key for 127.0.0.HOST. */
function addKey(socket: number, [host, prefix]: [number, number], key: string, flags = 0): number {
  const request = Buffer.alloc(216);
  request.set([AF.inet, 0, 0, 0, 127, 0, 0, host], 0);
  request.set([FLAG.prefix | flags, prefix, key.length, 0], 128);
  request.write(key, 136);
  return syscall(SYS.setsockopt, socket, SOL.tcp, TCP_MD5SIG_EXT, request, request.length);
}

test('the keys of a TCP socket are told alike by the kernel and in its memory', (t) => {
  const socket = check('socket', syscall(SYS.socket, AF.inet, SOCK.stream | O.cloexec, 0));
  t.teardown(() => {
    closeFd(socket);
  });
  if (addKey(socket, [1, 32], 'one') < 0) {
    t.log('this kernel has no TCP_MD5SIG');
    t.pass();
    return;
  }
  t.is(addKey(socket, [2, 8], 'other'), 0);
  check('listen', syscall(SYS.listen, socket, 1)); // At a port of the kernel's choice.
  const told = listKeyedSockets(ownPid(), 'listening').get(fstatSync(socket).ino);
  t.deepEqual(
    told?.map(({ address, prefix, key }) => [
      address.join('.'),
      prefix,
      Buffer.from(key).toString(),
    ]),
    [
      ['127.0.0.2', 8, 'other'],
      ['127.0.0.1', 32, 'one'],
    ],
  );
  const kernel = learnKernel(() => true);
  const read = kernel && tcpKeysOf(kernel, socket);
  if (!read) {
    t.log('this kernel cannot be read');
    return;
  }
  t.deepEqual(
    read,
    told?.map((one) => ({ ...one, isOfDevice: false })),
  );
  t.is(addKey(socket, [3, 32], 'of no device', FLAG.device), 0);
  t.true(tcpKeysOf(kernel, socket)?.[0]?.isOfDevice);
});

test('a TCP socket without keys has none', (t) => {
  const socket = check('socket', syscall(SYS.socket, AF.inet6, SOCK.stream | O.cloexec, 0));
  t.teardown(() => {
    closeFd(socket);
  });
  const kernel = learnKernel(() => true);
  const read = kernel && tcpKeysOf(kernel, socket);
  if (read) t.deepEqual(read, []);
  else t.pass();
});
