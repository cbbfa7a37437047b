// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { IORING_REGISTER, URING_PARAMS_BYTES } from '../../../../src/native/io-uring.js';
import { addressOf } from '../../../../src/native/index.js';
import { isAt, RingKeeper } from '../../../../src/native/kernel/index.js';
import { call, closeFd, SYS } from '../../../../src/native/sys.js';

const SUBMIT_ALL = 1 << 7;
const SINGLE_ISSUER = 1 << 12;
const CLOCK_BOOTTIME = 7;

function makeRing(flags: number): number {
  const params = Buffer.alloc(URING_PARAMS_BYTES);
  params.writeUInt32LE(flags, 8);
  return call('make an io_uring', SYS.io_uring_setup, 8, params);
}

function register(ring: number, operation: number, words: readonly number[], count: number): void {
  const argument = new Uint8Array(Int32Array.from(words).buffer);
  call('register', SYS.io_uring_register, ring, operation, argument, count);
}

/** Undefined where the kernel does not let its memory be read. */
const keeper = RingKeeper.open();

test('of an io_uring, what is registered and how it was made are told', (t) => {
  if (!keeper) {
    t.log('this kernel cannot');
    t.pass();
    return;
  }
  const [ring, event] = [makeRing(SUBMIT_ALL), call('make an eventfd', SYS.eventfd2, 0, 0)];
  const other = call('make an eventfd', SYS.eventfd2, 0, 0);
  t.teardown(() => {
    for (const fd of [ring, event, other]) closeFd(fd);
  });
  register(ring, 2, [event, -1, other], 3);
  register(ring, IORING_REGISTER.eventfdAsync, [event], 1);
  register(ring, IORING_REGISTER.clock, [CLOCK_BOOTTIME, 0, 0, 0], 0);
  register(ring, IORING_REGISTER.descriptors, [5, 0, ring, 0], 1);
  t.teardown(() => {
    register(makeRing(0), IORING_REGISTER.descriptors + 1, [5, 0, 0, 0], 1);
  });
  const now = RingKeeper.open() ?? keeper;
  const { registered, eventfd, ...context } = now.contextOf(ring);
  t.deepEqual(context, {
    setup: SUBMIT_ALL,
    issuer: null,
    isRestricted: false,
    limitsWorkers: false,
    clock: CLOCK_BOOTTIME,
    groups: [],
    buffers: { size: 0, buffers: [] },
    descriptors: [{ tid: process.pid, index: 5 }],
  });
  t.deepEqual(registered, {
    size: 3,
    files: [
      { index: 0, file: now.files[event] ?? 0n, tag: 0n },
      { index: 2, file: now.files[other] ?? 0n, tag: 0n },
    ],
    from: 0,
    to: 3,
  });
  t.deepEqual(eventfd, { event: now.eventOf(event), isAsync: true });
  t.not(now.eventOf(event), now.eventOf(other));
});

test('of one that only one thread may use, that thread is told', (t) => {
  if (!keeper) {
    t.log('this kernel cannot');
    t.pass();
    return;
  }
  const ring = makeRing(SINGLE_ISSUER);
  t.teardown(() => {
    closeFd(ring);
  });
  t.deepEqual(RingKeeper.open()?.contextOf(ring).issuer, { tid: process.pid });
});

test('of registered buffers, the pages are told', (t) => {
  const ring = makeRing(0);
  t.teardown(() => {
    closeFd(ring);
  });
  const bytes = Buffer.alloc(20_000, 1);
  const vectors = BigUint64Array.of(addressOf(bytes), 20_000n, 0n, 0n, addressOf(bytes) + 100n, 9n);
  call('register', SYS.io_uring_register, ring, IORING_REGISTER.buffers, vectors, 3);
  const told = RingKeeper.open()?.contextOf(ring).buffers;
  if (!told) {
    t.log('this kernel does not tell');
    t.pass();
    return;
  }
  t.is(told.size, 3);
  t.like(told.buffers, [
    { index: 0, address: addressOf(bytes), length: 20_000, tag: 0n },
    { index: 2, address: addressOf(bytes) + 100n, length: 9 },
  ]);
  for (const one of told.buffers) {
    t.true(isAt(one, process.pid));
    t.false(isAt({ ...one, address: one.address + 4096n }, process.pid));
  }
});
