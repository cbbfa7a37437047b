// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { ShimError } from '../../../../src/common/errors.js';
import { WireReader } from '../../../../src/common/wire/reader.js';
import { WireWriter } from '../../../../src/common/wire/writer.js';

const NUMBERS: (readonly [bigint, string])[] = [
  [0n, '00'],
  [1n, '01'],
  [127n, '7f'],
  [128n, '8001'],
  [300n, 'ac02'],
  [(1n << 28n) - 1n, 'ffffff7f'],
  [1n << 28n, '8080808001'],
  [(1n << 32n) - 1n, 'ffffffff0f'],
  [1n << 32n, '8080808010'],
  [(1n << 53n) - 1n, 'ffffffffffffff0f'],
  [1n << 53n, '8080808080808010'],
  [(1n << 64n) - 1n, 'ffffffffffffffffff01'],
];

for (const [value, hex] of NUMBERS) {
  test(`varint ${String(value)} is ${hex}, both ways`, (t) => {
    const writer = new WireWriter();
    writer.varint64(value);
    t.is(Buffer.from(writer.finish()).toString('hex'), hex);
    t.is(new WireReader(Buffer.from(hex, 'hex'), 'test').uint64(), value);
    if (value <= BigInt(Number.MAX_SAFE_INTEGER)) {
      const plain = new WireWriter();
      plain.varint(Number(value));
      t.is(Buffer.from(plain.finish()).toString('hex'), hex);
    }
  });
}

test('a negative int32 takes ten bytes and comes back', (t) => {
  const writer = new WireWriter();
  writer.varint64(-1n);
  writer.varint64(-0x80000000n);
  t.is(writer.length, 20);
  const reader = new WireReader(writer.finish(), 'test');
  t.deepEqual([reader.int32(), reader.int32()], [-1, -0x80000000]);
  t.true(reader.done);
});

test('what a writer has written stays as it is when others use its buffer', (t) => {
  const write = (byte: number, size: number): Uint8Array => {
    const writer = new WireWriter();
    for (let at = 0; at < size; at += 1) writer.varint(byte);
    return writer.finish();
  };
  const outer = new WireWriter();
  outer.varint(1);
  const written = [2, 3, 4].map((byte) => write(byte, 40_000));
  outer.varint(5);
  t.deepEqual([...outer.finish()], [1, 5]);
  t.is(outer.length, 0);
  outer.varint(6);
  t.deepEqual([...outer.finish()], [6]);
  for (const [at, bytes] of written.entries()) {
    t.is(bytes.length, 40_000);
    t.true(bytes.every((byte) => byte === at + 2));
  }
});

test('a prefix of several bytes moves what was written', (t) => {
  for (const size of [0, 1, 127, 128, 16_383, 16_384, 3_000_000]) {
    const writer = new WireWriter();
    writer.raw(Uint8Array.of(9));
    const start = writer.length;
    writer.raw(new Uint8Array(size).fill(7));
    writer.prefix(start);
    const reader = new WireReader(writer.finish(), 'test');
    t.deepEqual(reader.take(1), Uint8Array.of(9));
    t.is(Buffer.compare(reader.bytes(), Buffer.alloc(size, 7)), 0);
    t.true(reader.done);
  }
});

const BAD: (readonly [string, string, (reader: WireReader) => unknown])[] = [
  ['an unfinished varint', 'ffff', (reader) => reader.uint64()],
  ['a varint of eleven bytes', 'ffffffffffffffffffff01', (reader) => reader.uint64()],
  ['a varint of 65 bits', 'ffffffffffffffffff02', (reader) => reader.uint64()],
  ['33 bits as uint32', '8080808010', (reader) => reader.uint32()],
  ['2^31 as int32', '8080808008', (reader) => reader.int32()],
  ['a short fixed64', '00000000000000', (reader) => reader.fixed64()],
  ['a short fixed32', '000000', (reader) => reader.fixed32()],
  ['bytes beyond the end', '0541', (reader) => reader.bytes()],
  ['a length beyond the end', '00', (reader) => reader.enter(2)],
  ['a group', '00', (reader) => reader.skip.bind(reader)(3)],
];

for (const [what, hex, read] of BAD) {
  test(`refuses ${what}`, (t) => {
    const reader = new WireReader(Buffer.from(hex, 'hex'), 'core-1.img');
    const error = t.throws(() => read(reader), { instanceOf: ShimError });
    t.is(error.kind, 'dataLoss');
    t.regex(error.message, /^decode core-1\.img: .* at byte \d+$/);
  });
}

test('a plain text is read at once, and any other is left to be read as bytes', (t) => {
  const writer = new WireWriter();
  writer.plain('/target');
  writer.plain('');
  writer.varint(2);
  writer.raw(Buffer.from('é'));
  const reader = new WireReader(writer.finish(), 'test');
  t.is(reader.plain(), '/target');
  t.is(reader.plain(), '');
  t.is(reader.plain(), undefined);
  t.deepEqual(reader.bytes(), new Uint8Array(Buffer.from('é')));
  t.true(reader.done);
});

for (const source of [Uint8Array.of(1, 42), Buffer.of(1, 42)]) {
  test(`bytes of a ${source.constructor.name} are copied, not borrowed`, (t) => {
    const taken = new WireReader(source, 'test').bytes();
    source[1] = 0;
    t.deepEqual(taken, Uint8Array.of(42));
  });
}
