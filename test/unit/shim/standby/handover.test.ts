// SPDX-License-Identifier: Apache-2.0
import { deepStrictEqual } from 'node:assert';
import test from 'ava';
import fc from 'fast-check';
import { ShimError } from '../../../../src/common/errors.js';
import { decodeHandover, encodeAnswer } from '../../../../src/shim/standby/handover.js';

/** A request as native/launcher/standby.c writes it. */
function encodeHandover(input: Uint8Array, words: readonly string[]): Buffer {
  const text = Buffer.from(words.map((word) => `${word}\0`).join(''));
  const head = Buffer.alloc(8);
  head.writeUInt32LE(4 + input.length + text.length, 0);
  head.writeUInt32LE(input.length, 4);
  return Buffer.concat([head, input, text]);
}

const word = fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0'));

test('a request is read back', (t) => {
  fc.assert(
    fc.property(fc.uint8Array(), word, fc.array(word), (input, cwd, argv) => {
      const decoded = decodeHandover(encodeHandover(input, [cwd, ...argv]));
      deepStrictEqual(decoded && { ...decoded, input: Uint8Array.from(decoded.input) }, {
        input,
        cwd,
        argv,
      });
    }),
  );
  t.pass();
});

test('part of a request is no request yet', (t) => {
  const whole = encodeHandover(Uint8Array.of(1, 2, 3), ['/bundle', '-id', '', 'start']);
  for (let length = 0; length < whole.length; length += 1) {
    t.is(decodeHandover(whole.subarray(0, length)), undefined);
  }
  t.deepEqual(decodeHandover(whole)?.argv, ['-id', '', 'start']);
});

test('whatever else comes is refused or waited for', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      try {
        decodeHandover(Buffer.from(bytes));
      } catch (error) {
        if (!(error instanceof ShimError)) throw error;
      }
    }),
  );
  const beyond = encodeHandover(new Uint8Array(0), ['/']);
  beyond.writeUInt32LE(100, 4);
  t.throws(() => decodeHandover(beyond), { instanceOf: ShimError });
  const endless = Buffer.alloc(8, 0xff);
  t.throws(() => decodeHandover(endless), { instanceOf: ShimError });
});

test('an answer is its length and its text', (t) => {
  t.deepEqual(Buffer.from(encodeAnswer('unix:///é')), Buffer.from('\n\0\0\0unix:///é'));
});
