// SPDX-License-Identifier: Apache-2.0
import { deepStrictEqual } from 'node:assert';
import test from 'ava';
import fc from 'fast-check';
import { asNsTid } from '../../../../src/common/ids.js';
import { encodeMessage } from '../../../../src/common/wire/encoder.js';
import { Schema } from '../../../../src/common/wire/schema.js';
import { WireWriter } from '../../../../src/common/wire/writer.js';
import { IMAGE_ENUMS, IMAGE_MESSAGES } from '../../../../src/criu/image/messages/index.js';
import { IMAGE_SCHEMA } from '../../../../src/criu/image/schema.js';
import { INET_SHORTCUT, STREAM_SHORTCUT } from '../../../../src/criu/image/socket-shortcuts.js';
import type {
  ImageMessages,
  InetSkEntry,
  TcpStreamEntry,
} from '../../../../src/criu/image/types.js';
import { messageArbitrary } from './arbitraries.js';

const BY_TABLE = new Schema<ImageMessages>('strict', IMAGE_MESSAGES, IMAGE_ENUMS);

type Name = 'inet_sk_entry' | 'tcp_stream_entry';

const [OPTIONS] = fc.sample(messageArbitrary('sk_opts_entry'), { numRuns: 1, seed: 1 });
const NOBODY = { uid: 0, euid: 0, signum: 0, pid_type: 0, pid: asNsTid(0) };
const INET = {
  ...{ id: 7, ino: 4_000_000_000, family: 2, type: 1, proto: 6, state: 1 },
  ...{ src_port: 80, dst_port: 40_000, flags: 2, backlog: 0, src_addr: [0x0100007f] },
  ...{
    dst_addr: [0x0100007f],
    fown: NOBODY,
    opts: OPTIONS,
    mvas_memberships: [],
    mvas_keys: [],
    v6only: true,
  },
} as InetSkEntry;
const STREAM: TcpStreamEntry = {
  ...{ inq_len: 1000, inq_seq: 0, outq_len: 1, outq_seq: 0, opt_mask: 7, snd_wscale: 7 },
  ...{ mss_clamp: 65495, rcv_wscale: 7, mvas_peer: 8, mvas_ino: 4_000_000_000 },
};

/** Fields of a usual message, some of them replaced by those of any. */
const mixed = (name: Name, usual: object): fc.Arbitrary<readonly [Name, object]> =>
  messageArbitrary(name)
    .chain((any) => fc.tuple(fc.constant(any), fc.subarray(Object.keys(any), { maxLength: 2 })))
    .map(([any, taken]) => {
      const values = any as unknown as Readonly<Record<string, unknown>>;
      const others = Object.fromEntries(taken.map((field) => [field, values[field]]));
      return [name, { ...usual, ...others }] as const;
    });
const either = fc.oneof(mixed('inet_sk_entry', INET), mixed('tcp_stream_entry', STREAM));

function encode(schema: Schema<ImageMessages>, name: Name, value: object): Uint8Array {
  const writer = new WireWriter();
  encodeMessage(schema, name, value, writer);
  return writer.finish();
}

test('sockets and connections are written as by their table', (t) => {
  fc.assert(
    fc.property(either, ([name, value]) => {
      const bytes = encode(BY_TABLE, name, value);
      deepStrictEqual(encode(IMAGE_SCHEMA, name, value), bytes);
    }),
    { numRuns: 1000 },
  );
  t.pass();
});

const PARTS = { writePart: () => undefined };

test('usual ones take the shortcut', (t) => {
  t.true(INET_SHORTCUT.write(new WireWriter(), INET, PARTS));
  t.true(STREAM_SHORTCUT.write(new WireWriter(), STREAM, PARTS));
});

for (const more of [
  { shutdown: 'READ' as const },
  { fown: { ...NOBODY, signum: 10 } },
  { src_addr: [1, 2, 3, 4, 5] },
  { dst_addr: [-1] },
  { mvas_reset: true },
  { src_port: 1.5 },
]) {
  test(`sockets with ${JSON.stringify(more)} do not`, (t) => {
    const writer = new WireWriter();
    t.false(INET_SHORTCUT.write(writer, { ...INET, ...more }, PARTS));
    t.is(writer.length, 0);
  });
}

for (const more of [
  { mvas_peer: undefined },
  { timestamp: 1 },
  { inq_len: -1 },
  { mvas_turn: 1 },
]) {
  test(`connections with ${JSON.stringify(more)} do not`, (t) => {
    const writer = new WireWriter();
    t.false(STREAM_SHORTCUT.write(writer, { ...STREAM, ...more }, PARTS));
    t.is(writer.length, 0);
  });
}
