// SPDX-License-Identifier: Apache-2.0
import { strictEqual } from 'node:assert';
import test from 'ava';
import fc from 'fast-check';
import { formatJson, parseJson } from '../../../src/common/big-json.js';

test('integers beyond 2^53 come back digit by digit', (t) => {
  for (const text of [
    '{"hard":18446744073709551615}',
    '[-9223372036854775808,9007199254740993]',
    '18446744073709551615',
  ]) {
    t.is(formatJson(parseJson(text)), text);
  }
});

test('ordinary numbers stay numbers', (t) => {
  t.deepEqual(parseJson('{"a":1024,"b":-1,"c":1.5,"d":1e20}'), { a: 1024, b: -1, c: 1.5, d: 1e20 });
});

test('digits of fractions and exponents are no integers', (t) => {
  for (const text of [
    '0.1234567890123456789',
    '-0.0000010000000000000002',
    '1e-0000000000000000',
  ]) {
    t.is(parseJson(text), JSON.parse(text));
  }
});

test('digits inside of strings are left alone', (t) => {
  const text = '{"18446744073709551615":"id 18446744073709551615 \\"18446744073709551616"}';
  t.deepEqual(parseJson(text), JSON.parse(text));
  t.is(formatJson(parseJson(text)), text);
});

test('whatever JSON can say comes back', (t) => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      const plain = JSON.stringify(JSON.parse(text));
      strictEqual(formatJson(parseJson(plain)), plain);
    }),
  );
  t.pass();
});

test('what is no JSON is an error', (t) => {
  t.throws(() => parseJson('{"a":18446744073709551615'), { instanceOf: SyntaxError });
});

test('strings of many MiB are taken', (t) => {
  const text = JSON.stringify({ a: 'y'.repeat(16 << 20) });
  t.is(formatJson(parseJson(text)), text);
});
