// SPDX-License-Identifier: Apache-2.0
import { deepStrictEqual } from 'node:assert';
import test from 'ava';
import fc from 'fast-check';
import { ShimError } from '../../../../src/common/errors.js';
import { asNsTid } from '../../../../src/common/ids.js';
import { decodeFramed } from '../../../../src/common/wire/decoder.js';
import { encodeMessage } from '../../../../src/common/wire/encoder.js';
import type { Forms } from '../../../../src/common/wire/forms.js';
import { WireReader } from '../../../../src/common/wire/reader.js';
import { Schema } from '../../../../src/common/wire/schema.js';
import { WireWriter } from '../../../../src/common/wire/writer.js';
import { FDINFO_FORMS, FILE_FORMS } from '../../../../src/criu/image/file-forms.js';
import { IMAGE_ENUMS, IMAGE_MESSAGES } from '../../../../src/criu/image/messages/index.js';
import { IMAGE_SCHEMA } from '../../../../src/criu/image/schema.js';
import { STREAM_FORMS } from '../../../../src/criu/image/socket-forms.js';
import type { ImageMessages, TcpStreamEntry } from '../../../../src/criu/image/types.js';
import { messageArbitrary } from './arbitraries.js';

const BY_TABLE = new Schema<ImageMessages>('strict', IMAGE_MESSAGES, IMAGE_ENUMS);

type Name = 'fdinfo_entry' | 'file_entry' | 'tcp_stream_entry';
type Fields = Readonly<Record<string, unknown>>;

const OPTIONS = fc.sample(messageArbitrary('sk_opts_entry'), { numRuns: 2, seed: 1 });
const NOBODY = { uid: 0, euid: 0, signum: 0, pid_type: 0, pid: asNsTid(0) };

/** What usual messages consist of. */
const word = fc.oneof(fc.nat(200), fc.integer({ min: 0, max: 0xffffffff }));
const long = fc.bigInt({ min: 0n, max: BigInt(Number.MAX_SAFE_INTEGER) });
const address = fc.array(word, { maxLength: 4 });
const regular = fc.record(
  {
    ...{ id: word, flags: word, pos: long, fown: fc.constant(NOBODY) },
    name: fc.constantFrom('/x', '/y', ''),
    build_id: fc.constant([]),
    ...{ mnt_id: fc.integer({ min: -0x80000000, max: 0x7fffffff }), size: long, mode: word },
    mvas_ino: long,
  },
  { requiredKeys: ['id', 'flags', 'pos', 'fown', 'name', 'build_id'] },
);
const SOCKET_FIELDS = [
  ...(['id', 'ino', 'family', 'type', 'proto', 'state', 'src_port', 'dst_port', 'flags'] as const),
  ...(['backlog', 'src_addr', 'dst_addr', 'fown', 'opts', 'mvas_memberships'] as const),
  'mvas_keys' as const,
];
const socket = fc.record(
  {
    ...{ id: word, ino: word, family: word, type: word, proto: word, state: word },
    ...{ src_port: word, dst_port: word, flags: word, backlog: word },
    ...{ src_addr: address, dst_addr: address, fown: fc.constant(NOBODY) },
    opts: fc.constantFrom(...OPTIONS),
    ...{ mvas_memberships: fc.constant([]), mvas_keys: fc.constant([]), v6only: fc.boolean() },
  },
  { requiredKeys: SOCKET_FIELDS },
);
const file = fc.oneof(
  fc.record({ type: fc.constant('REG'), id: word, reg: regular }),
  fc.record({ type: fc.constant('INETSK'), id: word, isk: socket }),
);
const USUAL = {
  fdinfo_entry: fc.record({
    ...{ id: word, flags: word, fd: word },
    type: fc.constantFrom('REG', 'PIPE', 'UND', 'MVAS_MQUEUE'),
  }),
  file_entry: file,
  tcp_stream_entry: fc.record({
    ...{ inq_len: fc.nat(9), inq_seq: word, outq_len: fc.nat(9), outq_seq: word },
    ...{ opt_mask: word, snd_wscale: word, mss_clamp: word, rcv_wscale: word },
    ...{ mvas_peer: word, mvas_ino: word },
  }),
} as const satisfies Record<Name, fc.Arbitrary<object>>;
const FORMS: Readonly<Record<Name, Forms>> = {
  fdinfo_entry: FDINFO_FORMS,
  file_entry: FILE_FORMS,
  tcp_stream_entry: STREAM_FORMS,
};
const NAMES = Object.keys(USUAL) as Name[];

/** A usual message; or one with some fields of any, or any. */
function some(name: Name): fc.Arbitrary<object> {
  const usual: fc.Arbitrary<object> = USUAL[name];
  const mixed = fc
    .tuple(usual, messageArbitrary(name))
    .chain(([one, any]) =>
      fc
        .subarray(Object.keys(any), { maxLength: 2 })
        .map((taken) => ({ ...one, ...pick(any as unknown as Fields, taken) })),
    );
  return fc.oneof({ weight: 6, arbitrary: usual }, mixed, messageArbitrary(name));
}

function pick(any: Fields, taken: readonly string[]): Fields {
  return Object.fromEntries(taken.map((field) => [field, any[field]]));
}

function payloadOf(name: Name, message: object): number {
  if (name !== 'tcp_stream_entry') return 0;
  const { inq_len, outq_len } = message as TcpStreamEntry;
  return inq_len + outq_len;
}

/** Messages, each with its size before it, and with what follows it. */
function encode(name: Name, messages: readonly object[]): Uint8Array {
  const parts = messages.map((message) => {
    const writer = new WireWriter();
    writer.framed(() => {
      encodeMessage(BY_TABLE, name, message as never, writer);
    });
    const payload = Buffer.alloc(Math.min(payloadOf(name, message), 20), 1);
    return Buffer.concat([writer.finish(), payload]);
  });
  return new Uint8Array(Buffer.concat(parts));
}

/** What some bytes encode, and what is wrong with them. */
function decode(schema: Schema<ImageMessages>, name: Name, bytes: Uint8Array): unknown[] {
  const found: unknown[] = [];
  const reader = new WireReader(bytes, 'files');
  const budget = { messages: 100_000, values: 100_000, unknownFields: 'refuse' } as const;
  try {
    decodeFramed({ schema, reader, budget }, name, (message) => {
      found.push(message, reader.take(payloadOf(name, message)));
    });
  } catch (error) {
    found.push(ShimError.from(error).message);
  }
  return found;
}

/** How many messages from the first one on are of a form. */
function formed(name: Name, bytes: Uint8Array, most = Infinity, end = bytes.length): number {
  return FORMS[name].read({ bytes, from: 0, end, most }, FORMS[name]).length;
}

for (const name of NAMES) {
  const lists = fc.array(some(name), { maxLength: 6 });

  test(`${name}: read as by its table`, (t) => {
    const property = fc.property(lists, (messages) => {
      const bytes = encode(name, messages);
      deepStrictEqual(decode(IMAGE_SCHEMA, name, bytes), decode(BY_TABLE, name, bytes));
    });
    fc.assert(property, { numRuns: 500 });
    t.pass();
  });

  test(`${name}: of damaged ones the table decides`, (t) => {
    const change = fc.record({ at: fc.nat(), byte: fc.nat(255) });
    let accepted = 0;
    let refused = 0;
    const property = fc.property(
      fc.array(some(name), { minLength: 1, maxLength: 3 }),
      fc.array(change, { minLength: 1, maxLength: 3 }),
      fc.option(fc.nat(), { freq: 3 }),
      (messages, changes, cut) => {
        const whole = encode(name, messages);
        const bytes = whole.slice(0, cut === null ? whole.length : cut % (whole.length + 1));
        for (const { at, byte } of changes) if (bytes.length > 0) bytes[at % bytes.length] = byte;
        const expected = decode(BY_TABLE, name, bytes);
        if (typeof expected.at(-1) === 'string') refused += 1;
        else accepted += 1;
        deepStrictEqual(decode(IMAGE_SCHEMA, name, bytes), expected);
      },
    );
    fc.assert(property, { numRuns: 4000 });
    t.true(accepted > 100 && refused > 100, `${String(accepted)} ${String(refused)}`);
  });

  test(`${name}: usual ones are of a form, up to a limit or the end`, (t) => {
    const usual: fc.Arbitrary<object> = USUAL[name];
    fc.assert(
      fc.property(fc.array(usual, { minLength: 1, maxLength: 6 }), fc.nat(6), (all, most) => {
        const bytes = encode(name, all);
        deepStrictEqual(formed(name, bytes), all.length);
        deepStrictEqual(formed(name, bytes, most), Math.min(most, all.length));
        const shorter = formed(name, bytes, Infinity, bytes.length - 1);
        deepStrictEqual(shorter, all.length - 1);
      }),
    );
    t.pass();
  });
}

test('messages of no form do not keep the others from being read', (t) => {
  const [one] = fc.sample(USUAL.fdinfo_entry, 1);
  const odd = { ...one, xattr_security_selinux: 'x' };
  const bytes = encode(
    'fdinfo_entry',
    [odd, one, one, odd, one].map((entry) => entry ?? {}),
  );
  t.is(formed('fdinfo_entry', bytes), 0);
  t.deepEqual(decode(IMAGE_SCHEMA, 'fdinfo_entry', bytes), decode(BY_TABLE, 'fdinfo_entry', bytes));
});

test('there are no more messages than allowed', (t) => {
  const bytes = encode('file_entry', fc.sample(USUAL.file_entry, 20));
  const reader = new WireReader(bytes, 'files');
  const budget = { messages: 30, values: 1000, unknownFields: 'refuse' } as const;
  const all = (): void => {
    decodeFramed({ schema: IMAGE_SCHEMA, reader, budget }, 'file_entry', () => undefined);
  };
  t.throws(all, { message: /too many messages/ });
});
