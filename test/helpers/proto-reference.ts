// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from 'node:url';
import { loadSync, type MessageTypeDefinition } from '@grpc/proto-loader';
import type { ExecutionContext } from 'ava';
import { DEFAULTS } from '../../src/common/wire/schema.js';
import type { FieldRow, MessageTables, ScalarType } from '../../src/common/wire/tables.js';

const PROTO = fileURLToPath(new URL('../../../proto/', import.meta.url));
/** Another reader of messages. */
export interface Codec {
  serialize(value: object): Buffer;
  deserialize(bytes: Buffer): Record<string, unknown>;
}

/** What is compared with another reader: tables, and what codes by them. */
export interface OurCodec {
  readonly tables: MessageTables;
  readonly encode: (name: string, value: object) => Uint8Array;
  readonly decode: (name: string, bytes: Uint8Array) => object;
}

/** What protobufjs makes of files below `proto/`, by the full names of messages. */
export function referenceOf(files: readonly string[]): (name: string) => Codec {
  const options = { includeDirs: [PROTO], longs: String, enums: Number, defaults: true };
  const loaded = loadSync([...files], options);
  return (name) => loaded[name] as unknown as MessageTypeDefinition<object, object> & Codec;
}

/** Whether a message is, or contains, what our tables have for a map. */
export function hasMap(tables: MessageTables, name: string): boolean {
  return (
    name.endsWith('Entry') ||
    (tables[name] ?? []).some(([, , , type]) => type in tables && hasMap(tables, type))
  );
}

/** Asserts that a message with something in every field is coded as another reader does. */
export function assertAgrees(
  t: ExecutionContext,
  { tables, encode, decode }: OurCodec,
  name: string,
  theirCodec: Codec,
): void {
  const value = sample(tables, name);
  const bytes = Buffer.from(encode(name, value));
  t.deepEqual(bytes, theirCodec.serialize(theirs(value) as object));
  t.deepEqual(decode(name, bytes), value, 'comes back');
  t.deepEqual(theirs(theirCodec.deserialize(bytes)), theirs(value), 'is read the same');
  t.deepEqual(encode(name, decode(name, new Uint8Array())), new Uint8Array(), 'and nothing');
}

/** A value with something in every field. */
function sample(tables: MessageTables, name: string): Record<string, unknown> {
  const entries = (tables[name] ?? []).map((row) => {
    const one = sampleOf(tables, row);
    return [row[0], row[2] === 'repeated' || row[2] === 'packed' ? [one, one] : one] as const;
  });
  return Object.fromEntries(entries);
}

function sampleOf(tables: MessageTables, [, number, , type]: FieldRow): unknown {
  if (!(type in DEFAULTS)) return sample(tables, type);
  const scalar = type as ScalarType;
  if (scalar === 'string') return `text ${number} ü`;
  if (scalar === 'bytes') return Uint8Array.of(0, number, 255);
  if (scalar === 'bool') return true;
  if (scalar === 'int64') return -(2n ** 60n) - BigInt(number);
  if (scalar === 'uint64') return 2n ** 64n - BigInt(number);
  if (scalar === 'int32') return -number;
  if (scalar === 'uint32') return 2 ** 32 - number;
  return number + 0.5;
}

/** A message as protobufjs has it: 64-bit integers as text, and its own definition of Any keeps an underscore. */
function theirs(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(theirs);
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(
    ([name, member]) => [name === 'typeUrl' ? 'type_url' : name, theirs(member)] as const,
  );
  return Object.fromEntries(entries);
}
