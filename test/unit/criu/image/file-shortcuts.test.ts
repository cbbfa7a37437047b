// SPDX-License-Identifier: Apache-2.0
import { deepStrictEqual } from 'node:assert';
import test from 'ava';
import fc from 'fast-check';
import { asNsTid } from '../../../../src/common/ids.js';
import { encodeMessage } from '../../../../src/common/wire/encoder.js';
import { Schema } from '../../../../src/common/wire/schema.js';
import { WireWriter } from '../../../../src/common/wire/writer.js';
import {
  FDINFO_SHORTCUT,
  FILE_SHORTCUT,
  REG_SHORTCUT,
} from '../../../../src/criu/image/file-shortcuts.js';
import { IMAGE_ENUMS, IMAGE_MESSAGES } from '../../../../src/criu/image/messages/index.js';
import { IMAGE_SCHEMA } from '../../../../src/criu/image/schema.js';
import type {
  FdinfoEntry,
  FileEntry,
  ImageMessages,
  RegFileEntry,
} from '../../../../src/criu/image/types.js';

const BY_TABLE = new Schema<ImageMessages>('strict', IMAGE_MESSAGES, IMAGE_ENUMS);

const number = fc.integer({ min: 0, max: 0xffffffff });
const long = fc.oneof(
  { weight: 9, arbitrary: fc.bigInt({ min: 0n, max: 1n << 53n }) },
  fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
);
const NOBODY = { uid: 0, euid: 0, signum: 0, pid_type: 0, pid: asNsTid(0) };
const REG: RegFileEntry = {
  ...{ id: 7, flags: 2, pos: 0n, fown: NOBODY, name: '/x', build_id: [] },
  ...{ mnt_id: 12, size: 5n, mode: 0o100644, mvas_ino: 9n },
};
const FILE: FileEntry = { type: 'REG', id: 7, reg: REG };
/** Files and descriptors have no parts. */
const NO_PARTS = { writePart: noPart };
const FDINFO: FdinfoEntry = { id: 7, flags: 1, type: 'REG', fd: 3 };

const usually = <T>(value: T, ...others: T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 9, arbitrary: fc.constant(value) }, fc.constantFrom(value, ...others));

const required = {
  ...{ id: number, flags: number, pos: long, build_id: usually<number[]>([], [4]) },
  fown: usually(NOBODY, { ...NOBODY, signum: 10 }, { ...NOBODY, pid: asNsTid(300) }),
  name: usually('/a b', '', '/\u00e4', '/\udc80', '/a\nb'),
};
const reg = fc.record(
  {
    ...required,
    ...{ mnt_id: fc.integer({ min: -0x80000000, max: 0x7fffffff }), size: long, mode: number },
    ...{ mvas_ino: long, ext: usually<boolean | undefined>(undefined, true) },
  },
  { requiredKeys: Object.keys(required) as (keyof typeof required)[] },
);
const fdinfo = fc.record(
  {
    ...{ id: number, flags: number, fd: number },
    type: fc.constantFrom<FdinfoEntry['type']>('REG', 'PIPE', 'UND', 'MVAS_MQUEUE'),
    xattr_security_selinux: usually<string | undefined>(undefined, 'x'),
  },
  { requiredKeys: ['id', 'flags', 'fd', 'type'] },
);
const file = fc.record(
  {
    type: usually<FileEntry['type']>('REG', 'PIPE'),
    ...{ id: number, reg, mvas_stdio: usually<number | undefined>(undefined, 1) },
    fifo: usually<FileEntry['fifo']>(undefined, { id: 7, pipe_id: 8 }),
  },
  { requiredKeys: ['type', 'id'] },
);
const either = fc.oneof(
  file.map((value) => ['file_entry', value] as const),
  reg.map((value) => ['reg_file_entry', value] as const),
  fdinfo.map((value) => ['fdinfo_entry', value] as const),
);

function noPart(name: string): never {
  throw new Error(name);
}

type Name = 'file_entry' | 'reg_file_entry' | 'fdinfo_entry';

function encode(schema: Schema<ImageMessages>, name: Name, value: object): Uint8Array {
  const writer = new WireWriter();
  encodeMessage(schema, name, value, writer);
  return writer.finish();
}

test('files and descriptors are written as by their table', (t) => {
  fc.assert(
    fc.property(either, ([name, value]) => {
      const bytes = encode(BY_TABLE, name, value);
      deepStrictEqual(encode(IMAGE_SCHEMA, name, value), bytes);
    }),
    { numRuns: 1000 },
  );
  t.pass();
});

test('usual ones take the shortcut', (t) => {
  t.true(REG_SHORTCUT.write(new WireWriter(), REG, NO_PARTS));
  t.true(FILE_SHORTCUT.write(new WireWriter(), FILE, NO_PARTS));
  t.true(FDINFO_SHORTCUT.write(new WireWriter(), FDINFO, NO_PARTS));
});

for (const more of [
  { name: '\u00e4' },
  { ext: true },
  { mnt_id: -1 },
  { mode: 1.5 },
  { pos: -1n },
]) {
  test(`files with ${Object.keys(more).join()} ${String(Object.values(more))} do not`, (t) => {
    const writer = new WireWriter();
    t.false(FILE_SHORTCUT.write(writer, { ...FILE, reg: { ...REG, ...more } }, NO_PARTS));
    t.false(REG_SHORTCUT.write(writer, { ...REG, ...more }, NO_PARTS));
    t.is(writer.length, 0);
  });
}

test('open files with more than a regular file do not', (t) => {
  const writer = new WireWriter();
  t.false(FILE_SHORTCUT.write(writer, { ...FILE, mvas_stdio: 1 }, NO_PARTS));
  t.false(FILE_SHORTCUT.write(writer, { ...FILE, fifo: { id: 7, pipe_id: 8 } }, NO_PARTS));
  t.is(writer.length, 0);
});
