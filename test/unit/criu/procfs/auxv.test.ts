// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { parseAuxv } from '../../../../src/criu/procfs/auxv.js';
import { fixture, refuses } from './fixture.js';

const AT_PAGESZ = 6n;
const AT_SYSINFO_EHDR = 33n;

test('all entries before the end, in order', (t) => {
  const entries = parseAuxv(fixture('container/auxv'));
  t.is(entries.length, 22);
  t.is(entries[0]?.type, AT_SYSINFO_EHDR);
  t.is(entries[0]?.value, 139907365478400n);
  t.is(entries.find((entry) => entry.type === AT_PAGESZ)?.value, 4096n);
  t.deepEqual(entries.at(-1), { type: 28n, value: 32n });
});

test('bytes at an odd place in their buffer are read too', (t) => {
  const bytes = Buffer.concat([Buffer.of(1), fixture('odd/auxv')]).subarray(1);
  t.deepEqual(parseAuxv(bytes), parseAuxv(fixture('odd/auxv')));
});

test('a kernel thread has none', (t) => {
  t.deepEqual(parseAuxv(new Uint8Array()), []);
});

test('refused: a vector without end', (t) => {
  const whole = fixture('odd/auxv');
  for (const length of [whole.length - 16, whole.length - 9, 8]) {
    const cut = whole.subarray(0, length);
    refuses(t, () => parseAuxv(cut), { file: 'auxv', shown: `${String(length)} bytes` });
  }
});
