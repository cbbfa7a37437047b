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
import { IMAGE_ENUMS, IMAGE_MESSAGES } from '../../../../src/criu/image/messages/index.js';
import { IMAGE_SCHEMA } from '../../../../src/criu/image/schema.js';
import type { ImageMessages, MmEntry, VmaEntry } from '../../../../src/criu/image/types.js';
import {
  countOf,
  entriesOf,
  partsOf,
  unusualOf,
  VmaRows,
  type VmaPart,
} from '../../../../src/criu/image/vma-rows.js';

const BY_TABLE = new Schema<ImageMessages>('strict', IMAGE_MESSAGES, IMAGE_ENUMS);

/** Most are numbers that a double holds. */
const address = fc.oneof(
  { weight: 20, arbitrary: fc.bigInt({ min: 0n, max: 1n << 47n }) },
  fc.bigInt({ min: (1n << 53n) - 2n, max: (1n << 53n) + 2n }),
  fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
);
const number = fc.integer({ min: 0, max: 0xffffffff });
const required = {
  ...{ start: address, end: address, pgoff: address, shmid: address },
  ...{ prot: number, flags: number, status: number },
  fd: fc.constant(-1n),
  mvas_runs: fc.constant<bigint[]>([]),
};
const usual = { ...required, madv: address, mvas_park: address };
const requiredKeys = Object.keys(required) as (keyof typeof required)[];
const other = { mvas_name: 'x', mvas_runs: [0n, 1n], fd: 3n, fdflags: 1, mvas_size: 5n };
const rare = fc.oneof(
  { weight: 4, arbitrary: fc.constant(null) },
  fc.constantFrom(...Object.entries(other)),
);
const entry = fc
  .tuple(fc.record(usual, { requiredKeys }), rare)
  .map(([fields, more]) => ({ ...fields, ...(more && { [more[0]]: more[1] }) }));
const list = fc.array(entry, { minLength: 1, maxLength: 40 });

function encode(schema: Schema<ImageMessages>, vmas: VmaPart[]): Uint8Array {
  const writer = new WireWriter();
  encodeMessage(schema, 'mm_entry', { ...MM, vmas }, writer);
  return writer.finish();
}

/** The mappings that some bytes encode, or what is wrong with them. */
function decode(schema: Schema<ImageMessages>, bytes: Uint8Array, messages = 100): unknown {
  const reader = new WireReader(bytes, 'mm');
  const budget = { messages, values: 100, unknownFields: 'refuse' } as const;
  try {
    const mm = decodeMessage({ schema, reader, budget }, 'mm_entry', bytes.length);
    return { ...mm, vmas: [...entriesOf(mm.vmas)] };
  } catch (error) {
    return ShimError.from(error).message;
  }
}

const MM: MmEntry = {
  ...{ mm_start_code: 0n, mm_end_code: 0n, mm_start_data: 0n, mm_end_data: 0n, mm_start_stack: 0n },
  ...{ mm_start_brk: 0n, mm_brk: 0n, mm_arg_start: 0n, mm_arg_end: 0n, mm_env_start: 0n },
  ...{ mm_env_end: 0n, exe_file_id: 1, mm_saved_auxv: [], vmas: [], aios: [] },
};

const VMA: VmaEntry = {
  ...{ start: 0x1000n, end: 0x3000n, pgoff: 0n, shmid: 0n },
  ...{ prot: 3, flags: 34, status: 129, fd: -1n, mvas_runs: [] },
};

test('rows are written and read as entries are by their table', (t) => {
  fc.assert(
    fc.property(list, (entries) => {
      const bytes = encode(BY_TABLE, entries);
      const parts = partsOf(entries);
      deepStrictEqual([...entriesOf(parts)], entries);
      deepStrictEqual(countOf(parts), entries.length);
      deepStrictEqual(encode(IMAGE_SCHEMA, parts), bytes);
      deepStrictEqual(decode(IMAGE_SCHEMA, bytes), { ...MM, vmas: entries });
    }),
  );
  t.pass();
});

test('of bytes that are not quite rows the table decides', (t) => {
  const change = fc.record({ at: fc.nat(), byte: fc.nat(255), end: fc.integer({ min: 1 }) });
  fc.assert(
    fc.property(list, change, (entries, { at, byte, end }) => {
      const bytes = encode(BY_TABLE, entries).slice(0, end);
      bytes[at % bytes.length] = byte;
      deepStrictEqual(decode(IMAGE_SCHEMA, bytes), decode(BY_TABLE, bytes));
    }),
    { numRuns: 3000 },
  );
  t.pass();
});

for (const zeros of [1, 5, 6, 7, 8, 9, 10]) {
  test(`of a number with ${String(zeros)} bytes too many the table decides`, (t) => {
    const bytes = Buffer.from(encode(BY_TABLE, [{ ...VMA, start: 1n }]));
    const at = bytes.indexOf('0801', 0, 'hex');
    const longer = Buffer.of(0x08, 0x81, ...Array<number>(zeros - 1).fill(0x80), 0);
    const changed = Buffer.concat([bytes.subarray(0, at), longer, bytes.subarray(at + 2)]);
    changed[at - 1] = (changed[at - 1] ?? 0) + zeros;
    t.deepEqual(decode(IMAGE_SCHEMA, changed), decode(BY_TABLE, changed));
  });
}

test('rows count as messages', (t) => {
  const bytes = encode(BY_TABLE, [VMA, VMA, VMA]);
  t.deepEqual(decode(IMAGE_SCHEMA, bytes, 4), { ...MM, vmas: [VMA, VMA, VMA] });
  t.regex(String(decode(IMAGE_SCHEMA, bytes, 3)), /too many messages/);
});

test('neighbours become rows, and those in between do not', (t) => {
  const named = { ...VMA, mvas_name: 'x' };
  const parts = partsOf([VMA, VMA, named, VMA]);
  t.deepEqual(
    parts.map((part) => (part instanceof VmaRows ? part.length : part)),
    [2, named, 1],
  );
  const bytes = encode(IMAGE_SCHEMA, parts);
  const reader = new WireReader(bytes, 'mm');
  const budget = { messages: 9, values: 9, unknownFields: 'refuse' } as const;
  const found = decodeMessage({ schema: IMAGE_SCHEMA, reader, budget }, 'mm_entry', bytes.length);
  t.deepEqual(found.vmas, parts);
});

for (const more of [{ mvas_name: 'x' }, { mvas_runs: [0n, 1n] }, { fd: 3n }, { prot: 1.5 }]) {
  test(`mappings with ${Object.keys(more).join()} ${String(Object.values(more))} are entries`, (t) => {
    t.deepEqual(partsOf([{ ...VMA, ...more }]), [{ ...VMA, ...more }]);
  });
}

test('only what a judge does not know is told', (t) => {
  const [small, large] = [VMA, { ...VMA, end: 0x9000n }];
  const parts = partsOf([small, large, { ...small, mvas_name: 'x' }, small]);
  const isSmall = (cells: Float64Array, at: number): boolean => (cells[at + 1] ?? 0) < 0x4000;
  t.deepEqual([...unusualOf(parts, isSmall)], [large, { ...small, mvas_name: 'x' }]);
});

test('rows of another kind, or in another list, are not written', (t) => {
  const rows = partsOf([VMA]) as never[];
  const aios = { ...MM, aios: rows };
  t.throws(
    () => {
      encodeMessage(IMAGE_SCHEMA, 'mm_entry', aios, new WireWriter());
    },
    { message: /encode mm_entry\.aios: cannot have such rows/ },
  );
});
