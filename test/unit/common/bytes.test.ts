// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import fc from 'fast-check';
import { decodeBytes, encodeBytes, printable } from '../../../src/common/bytes.js';

test('text of any script is what it is', (t) => {
  for (const text of ['', 'plain', 'ünïcode', '漢字', '😀', '\uFEFFmark', '\0']) {
    t.is(decodeBytes(Buffer.from(text)), text);
    t.deepEqual(encodeBytes(text), Buffer.from(text));
  }
});

test('bytes that are no UTF-8 become lone surrogates, one each', (t) => {
  t.is(decodeBytes(Buffer.from([0x61, 0xff, 0xc3, 0x62])), 'a\udcff\udcc3b');
  t.is(decodeBytes(Buffer.from([0xe2, 0x82])), '\udce2\udc82', 'a character cut off');
  t.is(decodeBytes(Buffer.from([0xed, 0xa0, 0x80])), '\udced\udca0\udc80', 'a surrogate');
  t.is(decodeBytes(Buffer.from([0xc0, 0xaf])), '\udcc0\udcaf', 'an overlong form');
});

test('in messages names show whatever they are made of', (t) => {
  t.is(printable('plain (漢字) 😀 \\'), 'plain (漢字) 😀 \\');
  t.is(printable(decodeBytes(Buffer.from('a\n\x1b[31m\x7f'))), 'a\\x0a\\x1b[31m\\x7f');
  t.is(printable(decodeBytes(Buffer.from([0x61, 0xff, 0x85]))), 'a\\xff\\x85', 'no UTF-8');
  t.is(printable('\u0085\u202e\u2028'), '\\u{85}\\u{202e}\\u{2028}', 'what moves the rest');
  const shown = printable(decodeBytes(Uint8Array.from({ length: 256 }, (_, byte) => byte)));
  t.is(printable(shown), shown);
});

test('all bytes come back as they were, at any place in a buffer', (t) => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.tuple(fc.string({ unit: 'binary' }), fc.uint8Array({ maxLength: 3 })).map(([text, tail]) => {
      return new Uint8Array(Buffer.concat([Buffer.from(text), tail, Buffer.from(text)]));
    }),
  );
  fc.assert(
    fc.property(bytes, (value) => Buffer.compare(encodeBytes(decodeBytes(value)), value) === 0),
  );
  const shifted = Buffer.from([0x61, 0xe9, 0x62]).subarray(1);
  t.deepEqual(encodeBytes(decodeBytes(shifted)), Buffer.from([0xe9, 0x62]));
});
