// SPDX-License-Identifier: Apache-2.0
import { deepStrictEqual } from 'node:assert';
import test from 'ava';
import fc from 'fast-check';
import { ShimError } from '../../../src/common/errors.js';
import {
  decodeImage,
  decodePagemap,
  decodePayloadImage,
  encodeImage,
  encodePagemap,
  encodePayloadImage,
  startFile,
  writeEntry,
} from '../../../src/criu/image/codec.js';
import { decodeGhostFile, encodeGhostFile } from '../../../src/criu/image/ghost.js';
import {
  IMAGE_KINDS,
  kindInfo,
  parseImageFileName,
  type EntryKind,
  type ImageKind,
  type PagemapKind,
  type PayloadKind,
} from '../../../src/criu/image/header.js';
import { decodeQueues, encodeQueues } from '../../../src/criu/image/queues.js';
import { parseVasReference } from '../../../src/criu/image/vas-reference.js';
import { messageArbitrary } from '../../unit/criu/image/arbitraries.js';

/** Each property runs for this long, or for all runs. */
const TIME_BOX_MS = 150;
const RUNS = 20_000;

/** What a hostile file may cost in these runs. */
const LIMITS = { maxBytes: 65_536, maxMessages: 1000, maxValues: 10_000 };

function timeBoxed<T>(property: fc.IProperty<T>): void {
  const box = { interruptAfterTimeLimit: TIME_BOX_MS, markInterruptAsFailure: false };
  fc.assert(property, { numRuns: RUNS, ...box });
}

/** The result, or undefined for a ShimError; anything else thrown is a failure. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof ShimError && error.kind === 'dataLoss') return undefined;
    throw error;
  }
}

interface Codec {
  readonly kind: ImageKind;
  readonly decode: (bytes: Uint8Array) => unknown;
  readonly encode: (value: never) => Uint8Array;
}

function codecOf(kind: ImageKind): Codec | undefined {
  switch (kindInfo(kind).layout) {
    case 'single':
    case 'entries': {
      const own = kind as EntryKind;
      return {
        kind,
        decode: (bytes) => decodeImage(own, bytes, LIMITS),
        encode: (value) => encodeImage(own, value),
      };
    }
    case 'payload': {
      const own = kind as PayloadKind;
      return {
        kind,
        decode: (bytes) => decodePayloadImage(own, bytes, LIMITS),
        encode: (value) => encodePayloadImage(own, value),
      };
    }
    case 'pagemap': {
      const own = kind as PagemapKind;
      return {
        kind,
        decode: (bytes) => decodePagemap(own, bytes, LIMITS),
        encode: (value) => encodePagemap(own, value),
      };
    }
    case 'ghost':
      return { kind, decode: (bytes) => decodeGhostFile(bytes, LIMITS), encode: encodeGhostFile };
    case 'queues':
      return { kind, decode: (bytes) => decodeQueues(bytes, LIMITS), encode: encodeQueues };
    case 'raw':
      return undefined;
  }
}

/** A file with the right magics and valid entries of its message, then damaged. */
function damagedFile(kind: ImageKind): fc.Arbitrary<Uint8Array> {
  const name = kindInfo(kind).message ?? 'pstree_entry';
  const entries = fc.array(messageArbitrary(name, 2), { maxLength: 2 });
  const valid = entries.map((list) => {
    const writer = startFile(kind);
    if (kindInfo(kind).layout === 'pagemap') writeEntry(writer, 'pagemap_head', { pages_id: 1 });
    for (const entry of list) writeEntry(writer, name, entry);
    return writer.finish();
  });
  const cut = fc
    .tuple(valid, fc.nat())
    .map(([bytes, at]) => bytes.slice(0, at % (bytes.length + 1)));
  const flips = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), {
    minLength: 1,
    maxLength: 4,
  });
  const flipped = fc.tuple(valid, flips).map(([bytes, edits]) => {
    for (const [at, mask] of edits) {
      const index = at % bytes.length;
      bytes[index] = (bytes[index] ?? 0) ^ mask;
    }
    return bytes;
  });
  const bitFlipped = fc.tuple(valid, fc.nat(), fc.nat(7)).map(([bytes, at, bit]) => {
    const index = at % bytes.length;
    bytes[index] = (bytes[index] ?? 0) ^ (1 << bit);
    return bytes;
  });
  const headed = fc.uint8Array({ maxLength: 80 }).map((noise) => {
    const writer = startFile(kind);
    writer.framed(() => {
      writer.raw(noise);
    });
    return writer.finish();
  });
  const tailed = fc
    .tuple(valid, fc.uint8Array({ minLength: 1, maxLength: 30 }))
    .map(([bytes, noise]) => Buffer.concat([bytes, noise]));
  return fc.oneof(fc.uint8Array(), cut, flipped, bitFlipped, headed, tailed);
}

/** Fixed damaged files: at least one decodes, unless the damage is always too great. */
const SAMPLE = { seed: 4201, numRuns: 500 };

for (const kind of Object.keys(IMAGE_KINDS) as ImageKind[]) {
  const codec = codecOf(kind);
  if (!codec) continue;
  test(`damaged ${kind} files give errors, or something that can be written again`, (t) => {
    const decode = (bytes: Uint8Array): unknown => attempt(() => codec.decode(bytes));
    const run = fc.property(damagedFile(kind), (bytes) => {
      const value = decode(bytes);
      if (value === undefined) return;
      const again = codec.decode(codec.encode(value as never));
      // A ghost that CRIU wrote whole is written again in chunks.
      if (kind !== 'ghost-file') deepStrictEqual(again, value);
    });
    t.notThrows(() => {
      timeBoxed(run);
    });
    const isDecoded = fc
      .sample(damagedFile(kind), SAMPLE)
      .some((bytes) => decode(bytes) !== undefined);
    t.true(isDecoded, 'no damaged file was ever decoded: the damage finds little');
  });
}

test('any vas.json gives a reference or an error', (t) => {
  const text = fc.oneof(
    fc.string(),
    fc.json(),
    fc.object().map((value) => JSON.stringify(value)),
  );
  const run = fc.property(text, (json) => {
    attempt(() => parseVasReference(json));
  });
  t.notThrows(() => {
    timeBoxed(run);
  });
});

test('any file name is parsed or passed over', (t) => {
  const parts = fc.constantFrom(
    'core',
    'pagemap',
    '-',
    '1',
    'shmem',
    'f',
    '.img',
    '.tar.gz',
    '/',
    '..',
  );
  const name = fc.oneof(
    fc.string(),
    fc.array(parts, { maxLength: 6 }).map((list) => list.join('')),
  );
  const run = fc.property(name, (each) => {
    parseImageFileName(each);
  });
  t.notThrows(() => {
    timeBoxed(run);
  });
});
