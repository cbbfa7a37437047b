// SPDX-License-Identifier: Apache-2.0
import { deepStrictEqual } from 'node:assert';
import test from 'ava';
import fc from 'fast-check';
import { asNsPid, asNsTid, INIT } from '../../../../src/common/ids.js';
import { ShimError } from '../../../../src/common/errors.js';
import {
  decodeImage,
  decodePagemap,
  decodePayloadImage,
  encodeImage,
  encodePagemap,
  encodePayloadImage,
  type DecodeLimits,
} from '../../../../src/criu/image/codec.js';
import { decodeMessage } from '../../../../src/common/wire/decoder.js';
import { encodeMessage } from '../../../../src/common/wire/encoder.js';
import { IMAGE_SCHEMA as schema, type MessageName } from '../../../../src/criu/image/schema.js';
import { IMAGE_MESSAGES } from '../../../../src/criu/image/messages/index.js';
import { decodeBytes } from '../../../../src/common/bytes.js';
import type { PstreeEntry } from '../../../../src/criu/image/types.js';
import { WireReader } from '../../../../src/common/wire/reader.js';
import { WireWriter } from '../../../../src/common/wire/writer.js';
import { messageArbitrary } from './arbitraries.js';

const FIRST: PstreeEntry = {
  pid: INIT,
  ppid: asNsPid(0),
  pgid: INIT,
  sid: INIT,
  threads: [INIT, asNsTid(300)],
};

for (const name of Object.keys(IMAGE_MESSAGES) as MessageName[]) {
  test(`${name} survives encoding and decoding`, (t) => {
    fc.assert(
      fc.property(messageArbitrary(name), (message) => {
        const writer = new WireWriter();
        encodeMessage(schema, name, message, writer);
        const bytes = writer.finish();
        const reader = new WireReader(bytes, name);
        const budget = { messages: 10_000, values: 10_000, unknownFields: 'refuse' } as const;
        deepStrictEqual(decodeMessage({ schema, reader, budget }, name, bytes.length), message);
      }),
      { numRuns: 15 },
    );
    t.true(schema.shapeOf(name).fields.length > 0);
  });
}

test('an image is two magics, then size and message of each entry', (t) => {
  const image = encodeImage('pstree', [FIRST]);
  t.is(
    Buffer.from(image).toString('hex'),
    ['19435654', '30302750', '0d000000', '08011000180120012801' + '28ac02'].join(''),
  );
  t.deepEqual(decodeImage('pstree', image), [FIRST]);
});

test('the inventory has one magic, statistics the service magic', (t) => {
  const inventory = encodeImage('inventory', [{ img_version: 2, mvas_tmpfs: [] }]);
  t.is(Buffer.from(inventory).toString('hex'), ['16313158', '02000000', '0802'].join(''));
  const stats = Buffer.from(encodeImage('stats-dump', [{}])).toString('hex');
  t.is(stats, ['40591055', '06330957', '00000000'].join(''));
});

test('payloads follow their entries, padded where CRIU pads', (t) => {
  const pipes = [
    { entry: { pipe_id: 7, bytes: 3 }, payload: Uint8Array.of(1, 2, 3) },
    { entry: { pipe_id: 8, bytes: 0, size: 65536 }, payload: new Uint8Array() },
  ];
  t.deepEqual(decodePayloadImage('pipes-data', encodePayloadImage('pipes-data', pipes)), pipes);
  const desc = { key: 1, uid: 0, gid: 0, cuid: 0, cgid: 0, mode: 0o600, id: 0 };
  const entry = { desc, nsems: 3, mvas_adjustments: [{ pid: 7, index: 2, value: -1 }] };
  const sets = [{ entry, payload: Uint8Array.of(1, 0, 2, 0, 3, 0) }];
  const image = encodePayloadImage('ipcns-sem', sets);
  t.deepEqual(image.subarray(-2), Uint8Array.of(0, 0));
  t.deepEqual(decodePayloadImage('ipcns-sem', image), sets);
});

test('a pagemap has a head', (t) => {
  const pagemap = {
    head: { pages_id: 4 },
    entries: [{ vaddr: 0x7fff_0000_0000n, compat_nr_pages: 2, flags: 4, nr_pages: 2n }],
  };
  t.deepEqual(decodePagemap('pagemap', encodePagemap('pagemap', pagemap)), pagemap);
});

const pstree = (hex: string): Uint8Array =>
  Buffer.from(`1943565430302750${hex}`.replaceAll(' ', ''), 'hex');

const BAD: (readonly [string, Uint8Array, RegExp])[] = [
  ['nothing', new Uint8Array(), /beyond the end/],
  ['a foreign magic', encodeImage('cgroup', [{ sets: [], controllers: [] }]), /wrong magic/],
  ['an entry beyond the end', pstree('0a000000 0801'), /length of 10 beyond/],
  ['half a size', pstree('0a00'), /beyond the end/],
  ['a missing field', pstree('02000000 0801'), /pstree_entry without ppid/],
  ['a field given twice', pstree('04000000 08010801'), /pid given twice/],
  ['a field nobody knows', pstree('02000000 7801'), /unknown field 15 of pstree_entry/],
  ['field zero', pstree('02000000 0001'), /unknown field 0/],
  ['a wrong wire type', pstree('02000000 0a00'), /wrong wire type of pid/],
];

for (const [what, image, message] of BAD) {
  test(`refuses ${what}`, (t) => {
    t.throws(() => decodeImage('pstree', image), { instanceOf: ShimError, code: 15, message });
  });
}

test('those of a list that are near each other and have the same bytes are one object', (t) => {
  const limits = [1n, 1n, 2n, 1n, 300n, 3n, 4n, 5n, 2n].map((cur) => ({ cur, max: 300n }));
  const writer = new WireWriter();
  encodeMessage(schema, 'task_rlimits_entry', { rlimits: limits }, writer);
  const bytes = writer.finish();
  const reader = new WireReader(bytes, 'limits');
  const budget = { messages: 20, values: 20, unknownFields: 'refuse' } as const;
  const { rlimits } = decodeMessage({ schema, reader, budget }, 'task_rlimits_entry', bytes.length);
  t.deepEqual(rlimits, limits);
  t.is(rlimits[0], rlimits[1]);
  t.is(rlimits[1], rlimits[3]);
  t.not(rlimits[2], rlimits[8]);
});

test('what is frozen is encoded once, and like anything else', (t) => {
  const frozen = Object.freeze({ cur: 7n, max: 300n });
  const encode = (rlimits: { cur: bigint; max: bigint }[]): Uint8Array => {
    const writer = new WireWriter();
    encodeMessage(schema, 'task_rlimits_entry', { rlimits }, writer);
    return writer.finish();
  };
  t.deepEqual(encode([frozen, frozen]), encode([{ ...frozen }, { ...frozen }]));
  t.deepEqual(
    encode([frozen, { cur: 1n, max: 2n }]),
    encode([{ ...frozen }, { cur: 1n, max: 2n }]),
  );
});

test('a list that is frozen is encoded once for each field, and like anything else', (t) => {
  const encode = (name: 'task_rlimits_entry', rlimits: readonly object[]): Uint8Array => {
    const writer = new WireWriter();
    encodeMessage(schema, name, { rlimits: rlimits as { cur: bigint; max: bigint }[] }, writer);
    return writer.finish();
  };
  const list = [7n, 300n].map((cur) => ({ cur, max: 300n }));
  const [plain, frozen] = [encode('task_rlimits_entry', list), Object.freeze([...list])];
  t.deepEqual(encode('task_rlimits_entry', frozen), plain);
  t.deepEqual(encode('task_rlimits_entry', frozen), plain);
  const other = new WireWriter();
  encodeMessage(schema, 'signal_queue_entry', { signals: [] }, other);
  const actions = Object.freeze([{ sigaction: 1n, flags: 2n, restorer: 0n, mask: 0n }]);
  t.throws(() => encode('task_rlimits_entry', actions), { message: /is missing/ });
  t.deepEqual(encode('task_rlimits_entry', Object.freeze([])), new Uint8Array(0));
});

test('parts of files of one image with the same bytes are one object', (t) => {
  const fileOf = (id: number, pid: number): Uint8Array => {
    const fown = { uid: 0, euid: 0, signum: 0, pid_type: 0, pid: asNsTid(pid) };
    const reg = { id, flags: 0, pos: 0n, name: '/', fown, build_id: [] };
    return encodeImage('files', [{ type: 'REG', id, reg }]);
  };
  const decode = (limits: DecodeLimits) =>
    [fileOf(1, 7), fileOf(2, 7), fileOf(3, 8)].map((bytes) => {
      const [file] = decodeImage('files', bytes, limits);
      return file?.reg;
    });
  const [first, second, third] = decode({ seen: new Map() });
  t.deepEqual([first, second, third], decode({}));
  t.is(first?.fown, second?.fown);
  t.not(second?.fown, third?.fown);
  t.deepEqual(
    [first, second, third].map((reg) => reg?.fown.pid),
    [7, 7, 8],
  );
});

test('bounds bytes, messages and values', (t) => {
  const image = encodeImage('pstree', [FIRST, FIRST]);
  t.throws(() => decodeImage('pstree', image, { maxBytes: 20 }), { message: /more than such/ });
  t.throws(() => decodeImage('pstree', image, { maxMessages: 1 }), {
    message: /too many messages/,
  });
  t.throws(() => decodeImage('pstree', image, { maxValues: 3 }), { message: /too many values/ });
  t.is(decodeImage('pstree', image, { maxMessages: 2, maxValues: 4 }).length, 2);
});

test('passes over unknown fields when asked to', (t) => {
  const image = pstree('0d000000 0801100018012001 7801 7a0100');
  t.deepEqual(decodeImage('pstree', image, { unknownFields: 'skip' }), [{ ...FIRST, threads: [] }]);
});

test('reads packed lists where CRIU writes single values', (t) => {
  const image = pstree('0d000000 0801100018012001 2a03 01ac02');
  t.deepEqual(decodeImage('pstree', image), [FIRST]);
});

const UNSAYABLE: (readonly [string, unknown])[] = [
  ['a missing field', { ppid: 0, pgid: 1, sid: 1, threads: [] }],
  ['a negative uint32', { ...FIRST, pid: -1 }],
  ['a fraction', { ...FIRST, pid: 1.5 }],
  ['a bigint for a number', { ...FIRST, pid: 1n }],
  ['a missing list', { ...FIRST, threads: undefined }],
  ['a number for a list', { ...FIRST, threads: 1 }],
];

for (const [what, entry] of UNSAYABLE) {
  test(`does not encode ${what}`, (t) => {
    const error = t.throws(() => encodeImage('pstree', [entry as PstreeEntry]), {
      instanceOf: ShimError,
    });
    t.is(error.kind, 'internal');
  });
}

test('names are bytes, and need not be UTF-8', (t) => {
  const bytes = Buffer.from([0x2f, 0xe9, 0xff, 0xc3, 0xa9, 0xed, 0xb2, 0x80]);
  const entry = { ext_key: decodeBytes(bytes) };
  const image = encodeImage('pidns', [entry]);
  t.true(Buffer.from(image).includes(bytes));
  t.deepEqual(decodeImage('pidns', image), [entry]);
});

test('does not encode half of a surrogate pair, nor two entries where one belongs', (t) => {
  t.throws(() => encodeImage('pidns', [{ ext_key: '\ud800' }]), { message: /well-formed/ });
  t.throws(() => encodeImage('pidns', [{}, {}]), { message: /2 entries, not one/ });
  const entry = { pipe_id: 1, bytes: 2 };
  t.throws(() => encodePayloadImage('pipes-data', [{ entry, payload: Uint8Array.of(1) }]), {
    message: /1 bytes of payload/,
  });
});
