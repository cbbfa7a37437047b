// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';
import {
  firstMagic,
  IMAGE_KINDS,
  kindInfo,
  MAX_ENTRIES_BYTES,
  MAX_PAYLOAD_BYTES,
  type EntryKind,
  type ImageKind,
  type PagemapKind,
  type PayloadKind,
} from './header.js';
import { payloadLength, payloadPadding } from './payload.js';
import { IMAGE_SCHEMA, type MessageName } from './schema.js';
import type { ImageMessages, PagemapEntry, PagemapHead } from './types.js';
import {
  decodeFramed,
  decodeMessage,
  type Decoding,
  type SeenMessages,
} from '../../common/wire/decoder.js';
import { encodeMessage } from '../../common/wire/encoder.js';
import { WireReader } from '../../common/wire/reader.js';
import { WireWriter } from '../../common/wire/writer.js';

/** The entry of a kind of file. */
export type EntryOf<K extends EntryKind | PayloadKind> =
  ImageMessages[(typeof IMAGE_KINDS)[K]['message']];

/** An entry with the raw bytes that follow it. */
export interface PayloadEntry<K extends PayloadKind> {
  readonly entry: EntryOf<K>;
  readonly payload: Uint8Array;
}

/** One for all. */
const NO_PAYLOAD = new Uint8Array(0);

/** Content of a pagemap file. */
export interface Pagemap {
  readonly head: PagemapHead;
  readonly entries: readonly PagemapEntry[];
}

/** Limits for decoding; the defaults suit an untrusted image. */
export interface DecodeLimits {
  /** Largest file in bytes; 64 MiB, or 1 GiB for kinds with payloads. */
  readonly maxBytes?: number;
  /** Most messages in a file, including nested ones; 262144. */
  readonly maxMessages?: number;
  /** Most elements of repeated fields in a file; 4194304. */
  readonly maxValues?: number;
  /** Fields that this version does not know: `refuse` (the default), since they may matter, or `skip`. */
  readonly unknownFields?: 'refuse' | 'skip';
  /** What other files of the same image have; see {@link SeenMessages}. */
  readonly seen?: SeenMessages;
  /** Names the bytes in errors; the kind by default. */
  readonly source?: string;
}

/** Encodes a file of messages. Throws ShimError `internal` for values that the format cannot hold. */
export function encodeImage<K extends EntryKind>(
  kind: K,
  entries: readonly EntryOf<K>[],
): Uint8Array {
  if (kindInfo(kind).layout === 'single' && entries.length !== 1) {
    throw new ShimError('internal', `encode ${kind}: ${String(entries.length)} entries, not one`);
  }
  const writer = startFile(kind);
  for (const entry of entries) writeEntry(writer, IMAGE_KINDS[kind].message, entry);
  return writer.finish();
}

/** Decodes a file of messages. Throws ShimError `dataLoss` for anything else. */
export function decodeImage<K extends EntryKind>(
  kind: K,
  bytes: Uint8Array,
  limits: DecodeLimits = {},
): EntryOf<K>[] {
  const file = openFile(kind, bytes, limits);
  const entries: EntryOf<K>[] = [];
  decodeFramed(file, IMAGE_KINDS[kind].message, (entry) => entries.push(entry as EntryOf<K>));
  if (kindInfo(kind).layout === 'single' && entries.length !== 1) {
    file.reader.fail(`${String(entries.length)} entries, not one`);
  }
  return entries;
}

/**
 * Encodes a file whose messages are followed by raw bytes. Throws ShimError `internal` if a payload is not as long
 * as its entry says.
 */
export function encodePayloadImage<K extends PayloadKind>(
  kind: K,
  entries: readonly PayloadEntry<K>[],
): Uint8Array {
  const writer = startFile(kind);
  for (const { entry, payload } of entries) {
    if (payload.length !== payloadLength(kind, entry)) {
      throw new ShimError('internal', `encode ${kind}: ${String(payload.length)} bytes of payload`);
    }
    writeEntry(writer, IMAGE_KINDS[kind].message, entry);
    writer.raw(payload);
    writer.raw(new Uint8Array(payloadPadding(kind, payload.length)));
  }
  return writer.finish();
}

/** Decodes a file whose messages are followed by raw bytes. Throws ShimError `dataLoss`. */
export function decodePayloadImage<K extends PayloadKind>(
  kind: K,
  bytes: Uint8Array,
  limits: DecodeLimits = {},
): PayloadEntry<K>[] {
  const file = openFile(kind, bytes, limits);
  const entries: PayloadEntry<K>[] = [];
  decodeFramed(file, IMAGE_KINDS[kind].message, (message) => {
    const entry = message as EntryOf<K>;
    const length = payloadLength(kind, entry);
    const payload = length === 0 ? NO_PAYLOAD : file.reader.take(length);
    file.reader.take(payloadPadding(kind, length));
    entries.push({ entry, payload });
  });
  return entries;
}

/** Encodes a pagemap file, which says which runs of pages a pages file contains. */
export function encodePagemap(kind: PagemapKind, pagemap: Pagemap): Uint8Array {
  const writer = startFile(kind);
  writeEntry(writer, 'pagemap_head', pagemap.head);
  for (const entry of pagemap.entries) writeEntry(writer, 'pagemap_entry', entry);
  return writer.finish();
}

/** Decodes a pagemap file. Throws ShimError `dataLoss`. */
export function decodePagemap(
  kind: PagemapKind,
  bytes: Uint8Array,
  limits: DecodeLimits = {},
): Pagemap {
  const file = openFile(kind, bytes, limits);
  const head = readEntry(file, 'pagemap_head');
  const entries: PagemapEntry[] = [];
  while (!file.reader.done) entries.push(readEntry(file, 'pagemap_entry'));
  return { head, entries };
}

/** A file being decoded. */
export type OpenFile = Decoding<ImageMessages>;

/** A writer positioned behind the magics of a kind. */
export function startFile(kind: ImageKind): WireWriter {
  const writer = new WireWriter();
  const first = firstMagic(kind);
  if (first !== undefined) writer.fixed32(first);
  writer.fixed32(kindInfo(kind).magic);
  return writer;
}

/** A reader positioned behind the magics of a kind; throws ShimError `dataLoss` if they are missing. */
export function openFile(kind: ImageKind, bytes: Uint8Array, limits: DecodeLimits): OpenFile {
  const info = kindInfo(kind);
  const most =
    info.layout === 'payload' || info.layout === 'ghost' ? MAX_PAYLOAD_BYTES : MAX_ENTRIES_BYTES;
  const reader = new WireReader(bytes, limits.source ?? kind);
  if (bytes.length > (limits.maxBytes ?? most)) {
    reader.fail(`${String(bytes.length)} bytes, more than such a file may have`);
  }
  for (const magic of [firstMagic(kind), info.magic]) {
    if (magic !== undefined && reader.fixed32() !== magic) reader.fail('wrong magic');
  }
  const budget = {
    messages: limits.maxMessages ?? 262_144,
    values: limits.maxValues ?? 4_194_304,
    unknownFields: limits.unknownFields ?? 'refuse',
  };
  return { schema: IMAGE_SCHEMA, reader, budget, seen: limits.seen };
}

/** Writes size and message. */
export function writeEntry<M extends MessageName>(
  writer: WireWriter,
  name: M,
  value: ImageMessages[M],
): void {
  writer.framed(() => {
    encodeMessage(IMAGE_SCHEMA, name, value, writer);
  });
}

/** Reads size and message. */
export function readEntry<M extends MessageName>(file: OpenFile, name: M): ImageMessages[M] {
  return decodeMessage(file, name, file.reader.fixed32());
}
