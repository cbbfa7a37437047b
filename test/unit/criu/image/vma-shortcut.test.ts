// SPDX-License-Identifier: Apache-2.0
import { deepStrictEqual } from 'node:assert';
import test from 'ava';
import fc from 'fast-check';
import { ShimError } from '../../../../src/common/errors.js';
import { decodeMessage } from '../../../../src/common/wire/decoder.js';
import { encodeMessage } from '../../../../src/common/wire/encoder.js';
import { WireReader } from '../../../../src/common/wire/reader.js';
import { Schema } from '../../../../src/common/wire/schema.js';
import { WireWriter } from '../../../../src/common/wire/writer.js';
import {
  IMAGE_ENUMS,
  IMAGE_MESSAGES,
  type ImageMessages,
} from '../../../../src/criu/image/messages/index.js';
import { IMAGE_SCHEMA } from '../../../../src/criu/image/schema.js';
import type { VmaEntry } from '../../../../src/criu/image/types.js';
import { VMA_SHORTCUT } from '../../../../src/criu/image/vma-shortcut.js';

const BY_TABLE = new Schema<ImageMessages>('strict', IMAGE_MESSAGES, IMAGE_ENUMS);

const address = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
const number = fc.integer({ min: 0, max: 0xffffffff });
const usual = fc.record({
  ...{ start: fc.bigInt({ min: 0n, max: 1n << 47n }), end: address, pgoff: address },
  ...{ shmid: address, prot: number, flags: number, status: number, fd: fc.constant(-1n) },
  mvas_runs: fc.constant<bigint[]>([]),
});
const entry = fc
  .tuple(usual, fc.record({ madv: address, mvas_park: address }, { requiredKeys: [] }))
  .map(([fields, more]): VmaEntry => ({ ...fields, ...more }));

function encode(schema: Schema<ImageMessages>, vma: VmaEntry): Uint8Array {
  const writer = new WireWriter();
  encodeMessage(schema, 'vma_entry', vma, writer);
  return writer.finish();
}

/** The entry that some bytes encode, or what is wrong with them. */
function decode(schema: Schema<ImageMessages>, bytes: Uint8Array): unknown {
  const reader = new WireReader(bytes, 'vma');
  const budget = { messages: 10, values: 10, unknownFields: 'refuse' } as const;
  try {
    return decodeMessage({ schema, reader, budget }, 'vma_entry', bytes.length);
  } catch (error) {
    return ShimError.from(error).message;
  }
}

test('the usual entry is written and read as by its table', (t) => {
  fc.assert(
    fc.property(entry, (vma) => {
      const bytes = encode(BY_TABLE, vma);
      deepStrictEqual(encode(IMAGE_SCHEMA, vma), bytes);
      deepStrictEqual(decode(IMAGE_SCHEMA, bytes), vma);
    }),
  );
  t.pass();
});

test('of bytes that are not quite that the table decides', (t) => {
  const change = fc.record({ at: fc.nat(60), byte: fc.nat(255), end: fc.integer({ min: 1 }) });
  fc.assert(
    fc.property(entry, change, (vma, { at, byte, end }) => {
      const bytes = encode(BY_TABLE, vma).slice(0, end);
      bytes[at % bytes.length] = byte;
      deepStrictEqual(decode(IMAGE_SCHEMA, bytes), decode(BY_TABLE, bytes));
    }),
    { numRuns: 2000 },
  );
  t.pass();
});

const VMA: VmaEntry = {
  ...{ start: 0x1000n, end: 0x3000n, pgoff: 0n, shmid: 0n },
  ...{ prot: 3, flags: 34, status: 129, fd: -1n, mvas_runs: [] },
};

test('mappings without anything else take the shortcut', (t) => {
  const bytes = encode(BY_TABLE, VMA);
  t.deepEqual(VMA_SHORTCUT.read(new WireReader(bytes, 'vma')), VMA);
  t.true(VMA_SHORTCUT.write(new WireWriter(), VMA));
});

for (const more of [{ mvas_name: 'x' }, { mvas_runs: [0n, 1n] }, { fd: 3n }, { prot: 1.5 }]) {
  test(`mappings with ${Object.keys(more).join()} ${String(Object.values(more))} do not`, (t) => {
    const writer = new WireWriter();
    t.false(VMA_SHORTCUT.write(writer, { ...VMA, ...more }));
    t.is(writer.length, 0);
  });
}
