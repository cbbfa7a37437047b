// SPDX-License-Identifier: Apache-2.0
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import {
  decodeImage,
  decodePagemap,
  decodePayloadImage,
  encodeImage,
  encodePagemap,
  encodePayloadImage,
  type EntryOf,
} from '../../../src/criu/image/codec.js';
import { decodeGhostFile, encodeGhostFile } from '../../../src/criu/image/ghost.js';
import {
  IMAGE_KINDS,
  imageFileName,
  kindInfo,
  type EntryKind,
  type ImageKind,
  type PagemapKind,
  type PayloadKind,
} from '../../../src/criu/image/header.js';
import { IMAGE_SCHEMA, type MessageName } from '../../../src/criu/image/schema.js';
import type { FieldContent } from '../../../src/common/wire/schema.js';
import { messageArbitrary } from '../../unit/criu/image/arbitraries.js';

/** Numbers of fields and enumerated values from here on are our own. */
const OURS = 10_000;
const FILES_OF_A_KIND = 8;
const SEED = 4201;
const DRIVER = join('test', 'integration', 'image', 'decode.py');

/** One file that was written, and how to compare it with pycriu's output. */
interface Sample {
  readonly kind: ImageKind;
  readonly bytes: Uint8Array;
  /** Entries as pycriu shows them. */
  readonly shown: readonly unknown[];
  /** Decodes pycriu's own writing to the same form. */
  readonly again: (bytes: Uint8Array) => readonly unknown[];
}

const fetched = spawnSync('bash', [join('scripts', 'fetch-pycriu.sh')], { encoding: 'utf8' });
const modules = fetched.status === 0 ? fetched.stdout.trim() : undefined;

if (modules === undefined) {
  test.skip(`pycriu reads what we write: ${fetched.stderr.trim()}`, (t) => {
    t.fail();
  });
} else {
  test('pycriu reads what we write, and we read what it writes', (t) => {
    compare(t, modules);
  });
}

function compare(t: ExecutionContext, pythonPath: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'mvas-pycriu-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const [ours, theirs] = [join(folder, 'ours'), join(folder, 'theirs')];
  for (const path of [ours, theirs]) mkdirSync(path);
  const samples = new Map<string, Sample>();
  for (const [index, sample] of allSamples().entries()) {
    const name = `${String(index)}-${imageFileName(sample.kind)}`;
    samples.set(name, sample);
    writeFileSync(join(ours, name), sample.bytes);
  }
  const env = { ...process.env, PYTHONPATH: pythonPath };
  const output = execFileSync('python3', [DRIVER, ours, theirs], {
    encoding: 'utf8',
    env: { ...env, PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION: 'python' },
    maxBuffer: 1 << 28,
  });
  const decoded = JSON.parse(output) as Record<string, { entries: unknown[] }>;
  t.is(Object.keys(decoded).length, samples.size);
  for (const [name, { shown, again }] of samples) {
    t.deepEqual(decoded[name]?.entries, shown, name);
    const path = join(theirs, name);
    if (existsSync(path))
      t.deepEqual(again(readFileSync(path)), shown, `${name} written by pycriu`);
  }
}

function allSamples(): Sample[] {
  // CRIU does not know kinds that are our own.
  const kinds = (Object.keys(IMAGE_KINDS) as ImageKind[]).filter(
    (kind) => !kind.startsWith('mvas-'),
  );
  return kinds.flatMap((kind) => {
    const { layout } = kindInfo(kind);
    if (layout === 'single') return entrySamples(kind as EntryKind, 1);
    if (layout === 'entries') return entrySamples(kind as EntryKind, 3);
    if (layout === 'payload') return payloadSamples(kind as PayloadKind);
    if (layout === 'pagemap') return pagemapSamples(kind as PagemapKind);
    return layout === 'ghost' ? ghostSamples() : [];
  });
}

function sampleOf<T>(arbitrary: fc.Arbitrary<T>, count = FILES_OF_A_KIND): T[] {
  return fc.sample(arbitrary, { numRuns: count, seed: SEED });
}

function entrySamples(kind: EntryKind, count: number): Sample[] {
  const { message } = IMAGE_KINDS[kind];
  const entries = messageArbitrary(message).filter(
    (entry) => !hasOurValue(message, entry),
  ) as fc.Arbitrary<unknown> as fc.Arbitrary<EntryOf<EntryKind>>;
  const show = (list: readonly EntryOf<EntryKind>[]): unknown[] =>
    list.map((e) => shownAs(message, e));
  const lists = fc.array(entries, { minLength: count === 1 ? 1 : 0, maxLength: count });
  return sampleOf(lists).map((list) => ({
    kind,
    bytes: encodeImage(kind, list),
    shown: show(list),
    again: (bytes) => show(decodeImage(kind, bytes)),
  }));
}

function payloadSamples(kind: PayloadKind): Sample[] {
  const { message } = IMAGE_KINDS[kind];
  const pairs = fc.tuple(messageArbitrary(message), fc.uint8Array({ maxLength: 60 }));
  const show = (list: readonly { entry: EntryOf<PayloadKind>; payload: Uint8Array }[]): unknown[] =>
    list.map(({ entry, payload }) => ({
      ...shownAs(message, entry),
      extra: shownPayload(kind, entry, payload),
    }));
  return sampleOf(fc.array(pairs, { minLength: 1, maxLength: 3 })).map((list) => {
    const entries = list.map(([entry, bytes]) => {
      const payload = kind === 'ipcns-sem' ? bytes.subarray(bytes.length % 2) : bytes;
      return { entry: { ...entry, ...lengths(kind, payload.length) }, payload };
    });
    return {
      kind,
      bytes: encodePayloadImage(kind, entries),
      shown: show(entries),
      again: (bytes) => show(decodePayloadImage(kind, bytes)),
    };
  });
}

/** The fields that say how long the payload is. */
function lengths(kind: PayloadKind, length: number): object {
  switch (kind) {
    case 'pipes-data':
    case 'fifo-data':
      return { bytes: length };
    case 'sk-queues':
      return { length };
    case 'tcp-stream':
    case 'mvas-tcp-streams':
      return { inq_len: length >> 1, outq_len: length - (length >> 1) };
    case 'ipcns-shm':
      return { size: BigInt(length), in_pagemaps: undefined };
    case 'ipcns-sem':
      return { nsems: length / 2 };
  }
}

function shownPayload(kind: PayloadKind, entry: object, payload: Uint8Array): unknown {
  if (kind === 'ipcns-sem') {
    const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
    return Array.from({ length: payload.length / 2 }, (_, i) =>
      String(view.getUint16(2 * i, true)),
    );
  }
  if (kind !== 'tcp-stream') return base64(payload);
  const inq = (entry as EntryOf<'tcp-stream'>).inq_len;
  return { inq: base64(payload.subarray(0, inq)), outq: base64(payload.subarray(inq)) };
}

function pagemapSamples(kind: PagemapKind): Sample[] {
  const maps = fc.record({
    head: messageArbitrary('pagemap_head'),
    entries: fc.array(messageArbitrary('pagemap_entry'), { maxLength: 5 }),
  });
  const show = ({ head, entries }: ReturnType<typeof decodePagemap>): unknown[] => [
    shownAs('pagemap_head', head),
    ...entries.map((entry) => shownAs('pagemap_entry', entry)),
  ];
  return sampleOf(maps).map((map) => ({
    kind,
    bytes: encodePagemap(kind, map),
    shown: show(map),
    again: (bytes) => show(decodePagemap(kind, bytes)),
  }));
}

function ghostSamples(): Sample[] {
  const offset = fc.bigInt({ min: 0n, max: 1n << 40n });
  const ghosts = fc.record({
    entry: messageArbitrary('ghost_file_entry'),
    content: fc.array(fc.record({ offset, data: fc.uint8Array() }), { maxLength: 3 }),
  });
  const show = ({ entry, content }: ReturnType<typeof decodeGhostFile>): unknown[] => [
    shownAs('ghost_file_entry', entry),
    ...content.map(({ offset: off, data }) => ({
      ...shownAs('ghost_chunk_entry', { off, len: BigInt(data.length) }),
      extra: base64(data),
    })),
  ];
  return sampleOf(ghosts).map(({ entry, content }) => {
    const ghost = { entry: { ...entry, chunks: true, size: 1n << 50n }, content };
    return {
      kind: 'ghost-file' as const,
      bytes: encodeGhostFile(ghost),
      shown: show(ghost),
      again: (bytes) => show(decodeGhostFile(bytes)),
    };
  });
}

/** A message as the driver prints it: integers as strings, no empty lists, none of our own fields. */
function shownAs(name: MessageName, message: object): Record<string, unknown> {
  const values = message as Readonly<Record<string, unknown>>;
  const shown: Record<string, unknown> = {};
  for (const { name: field, number, content } of IMAGE_SCHEMA.shapeOf(name).fields) {
    const value = values[field];
    if (value === undefined || number >= OURS) continue;
    if (!Array.isArray(value)) shown[field] = shownValue(content, value);
    else if (value.length > 0) shown[field] = value.map((each) => shownValue(content, each));
  }
  return shown;
}

/** Whether an enumerated value is our own: to pycriu, its field would not be there. */
function hasOurValue(name: MessageName, message: object): boolean {
  const values = message as Readonly<Record<string, unknown>>;
  return IMAGE_SCHEMA.shapeOf(name).fields.some(({ name: field, number, content }) => {
    if (number >= OURS) return false;
    return [values[field] ?? []].flat().some((value) => {
      if (content.kind === 'message') return hasOurValue(content.message as MessageName, value);
      return content.kind === 'enum' && (content.numbers.get(value as string) ?? 0) >= OURS;
    });
  });
}

function shownValue(content: FieldContent, value: unknown): unknown {
  if (content.kind === 'message') return shownAs(content.message as MessageName, value as object);
  if (value instanceof Uint8Array) return base64(value);
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : value;
}

/** As Python's encodebytes: lines of 76 characters, each with its end. */
function base64(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString('base64');
  return (text.match(/.{1,76}/g) ?? []).map((line) => `${line}\n`).join('');
}
