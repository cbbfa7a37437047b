// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { asHostPid } from '../../../../src/common/ids.js';
import { checkUnpinned, hasPinned } from '../../../../src/criu/checkpoint/pinned.js';
import { Momentary } from '../../../../src/criu/retry.js';
import { addressOf, syscall } from '../../../../src/native/index.js';
import { closeFd, SYS } from '../../../../src/native/sys.js';

const REGISTER_BUFFERS = 0;
const SIZE_OF_PARAMS = 120;

const pids = [asHostPid(process.pid)];

test.serial('an io_uring pins memory as long as it has registered buffers', (t) => {
  const ring = syscall(SYS.io_uring_setup, 4, Buffer.alloc(SIZE_OF_PARAMS));
  t.true(ring >= 0);
  t.false(hasPinned(pids));
  t.notThrows(() => {
    checkUnpinned(pids);
  });
  const memory = new Uint8Array(4096);
  const iovec = BigUint64Array.of(addressOf(memory), BigInt(memory.length));
  t.is(syscall(SYS.io_uring_register, ring, REGISTER_BUFFERS, iovec, 1), 0);
  t.true(hasPinned(pids));
  t.throws(
    () => {
      checkUnpinned(pids);
    },
    { instanceOf: Momentary },
  );
  closeFd(ring);
  t.false(hasPinned(pids));
});
