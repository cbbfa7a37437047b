// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import {
  formatAge,
  formatBytes,
  formatJson,
  formatTable,
  printable,
} from '../../../src/cli/text.js';

for (const [bytes, text] of [
  [0, '0 B'],
  [999, '999 B'],
  [1000, '0.98 KiB'],
  [1024, '1 KiB'],
  [1536, '1.5 KiB'],
  [12_345_678, '11.8 MiB'],
  [1023 * 1024 * 1024, '1 GiB'],
  [1.08 * 2 ** 30, '1.08 GiB'],
  [512 * 2 ** 30, '512 GiB'],
  [4096 * 2 ** 50, '4096 PiB'],
] as const) {
  test(`${String(bytes)} bytes are ${text}`, (t) => {
    t.is(formatBytes(bytes), text);
  });
}

for (const [seconds, text] of [
  [-5, 'just now'],
  [0, 'just now'],
  [1, '1 second ago'],
  [59, '59 seconds ago'],
  [60, '1 minute ago'],
  [3 * 3600 + 59 * 60, '3 hours ago'],
  [86_400 * 400, '400 days ago'],
] as const) {
  test(`${String(seconds)} seconds make ${text}`, (t) => {
    const then = new Date('2026-01-02T03:04:05Z');
    t.is(formatAge(then, new Date(then.getTime() + seconds * 1000)), text);
  });
}

test('control characters never reach a terminal', (t) => {
  t.is(printable('a\x1b[31m\n\u202eb\udc80é'), 'a\\u{1b}[31m\\u{a}\\u{202e}b\\u{dc80}é');
});

test('columns are as wide as their widest cell, without blanks at the end', (t) => {
  const rows = [
    ['A', 'LONG', 'C'],
    ['wide', 'b', ''],
    ['x\n', 'y', 'z'],
  ];
  t.is(formatTable(rows), 'A       LONG  C\nwide    b\nx\\u{a}  y     z\n');
  t.is(formatTable([]), '');
});

test('JSON has addresses in hexadecimal and times in ISO 8601', (t) => {
  const text = formatJson({ start: 0x7fffn, at: new Date(0) });
  t.deepEqual(JSON.parse(text), { start: '0x7fff', at: '1970-01-01T00:00:00.000Z' });
  t.true(text.endsWith('}\n'));
});
