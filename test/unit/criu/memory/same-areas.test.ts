// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { asHostPid } from '../../../../src/common/ids.js';
import { PROT_READ, PROT_READ_WRITE } from '../../../../src/native/abi/index.js';
import { sameAreas } from '../../../../src/criu/memory/live/same-areas.js';
import { readMaps } from '../../../../src/criu/procfs/reader.js';

const pid = asHostPid(process.pid);

test('anonymous memory is the same only with its range and its protection', (t) => {
  const stack = readMaps(pid).find(({ special }) => special === '[stack]');
  if (!stack) return t.fail('a stack');
  const { start, end } = stack;
  const isSame = sameAreas(pid);
  t.true(isSame({ start, end, prot: PROT_READ_WRITE }));
  t.false(isSame({ start, end, prot: PROT_READ }));
  t.false(isSame({ start: start + 4096n, end, prot: PROT_READ_WRITE }));
  t.false(isSame({ start, end: end + 4096n, prot: PROT_READ_WRITE }));
});

test('mapped files are not anonymous', (t) => {
  const file = readMaps(pid).find(
    ({ inode, read, write, exec }) => inode !== 0n && read && !write && !exec,
  );
  if (!file) return t.fail('a mapped file');
  t.false(sameAreas(pid)({ ...file, prot: PROT_READ }));
});
