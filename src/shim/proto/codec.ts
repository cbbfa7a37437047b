// SPDX-License-Identifier: Apache-2.0
import { WIRE, WireReader } from '../../common/wire/reader.js';
import { WireWriter } from '../../common/wire/writer.js';

/**
 * A proto3 codec driven by small tables, so that the shim starts without parsing .proto files or
 * loading a protobuf library (design: start-up of the daemon is a hot path). The .proto files in
 * `proto/` stay the reference: a unit test checks every table against them.
 */

type ScalarKind = 'string' | 'bytes' | 'uint32' | 'int32' | 'int64' | 'uint64' | 'bool' | 'double';

/** One field of a message: its number, its type and its value when absent. `T` is the TypeScript type. */
export interface Field<T> {
  readonly number: number;
  readonly kind: ScalarKind | Message;
  readonly repeated: boolean;
  readonly absent: () => T;
}

/** A message's fields by their camelCase names. */
export interface Message {
  readonly fields: Readonly<Record<string, Field<unknown>>>;
}

/** A message with its TypeScript type. */
export interface MessageType<T> extends Message {
  /** Never set; carries the type. */
  readonly shape?: T;
}

/** The TypeScript type of a table. */
export type ValueOf<M> = M extends MessageType<infer T> ? T : never;

type ShapeOf<F> = { [K in keyof F]: F[K] extends Field<infer T> ? T : never };

/** Declares a message. */
export function message<F extends Record<string, Field<unknown>>>(
  fields: F,
): MessageType<ShapeOf<F>> {
  return { fields };
}

const scalar =
  <T>(kind: ScalarKind, value: T) =>
  (number: number): Field<T> => ({ number, kind, repeated: false, absent: () => value });

/** Constructors of fields. `int64` is a JavaScript number: timestamps and durations fit. */
export const field = {
  string: scalar<string>('string', ''),
  bytes: scalar<Uint8Array>('bytes', new Uint8Array(0)),
  uint32: scalar<number>('uint32', 0),
  int32: scalar<number>('int32', 0),
  int64: scalar<number>('int64', 0),
  uint64: scalar<bigint>('uint64', 0n),
  bool: scalar<boolean>('bool', false),
  double: scalar<number>('double', 0),
  message: <T>(number: number, kind: MessageType<T>): Field<Partial<T> | undefined> => ({
    number,
    kind,
    repeated: false,
    absent: () => undefined,
  }),
  strings: (number: number): Field<readonly string[]> => ({
    number,
    kind: 'string',
    repeated: true,
    absent: () => [],
  }),
  uint64s: (number: number): Field<readonly bigint[]> => ({
    number,
    kind: 'uint64',
    repeated: true,
    absent: () => [],
  }),
  messages: <T>(number: number, kind: MessageType<T>): Field<readonly Partial<T>[]> => ({
    number,
    kind,
    repeated: true,
    absent: () => [],
  }),
} as const;

/** Fields of type uint64 with consecutive numbers. */
export function counters<const N extends string>(
  first: number,
  names: readonly N[],
): Readonly<Record<N, Field<bigint>>> {
  const entries = names.map((name, index) => [name, field.uint64(first + index)] as const);
  return Object.fromEntries(entries) as Record<N, Field<bigint>>;
}

/** Encodes a message; absent fields and fields with their default value take no bytes. */
export function encode<T>(type: MessageType<T>, value: Partial<T>): Uint8Array {
  const writer = new WireWriter();
  writeMessage(writer, type, value);
  return writer.finish();
}

function writeMessage(
  writer: WireWriter,
  type: Message,
  value: Readonly<Record<string, unknown>>,
): void {
  for (const [name, spec] of Object.entries(type.fields)) {
    const member = value[name];
    if (member === undefined || member === null) continue;
    if (!spec.repeated) writeOne(writer, spec, member, false);
    else if (spec.kind === 'uint64')
      writePacked(writer, spec, member as readonly (bigint | number)[]);
    else for (const item of member as readonly unknown[]) writeOne(writer, spec, item, true);
  }
}

function writePacked(
  writer: WireWriter,
  spec: Field<unknown>,
  items: readonly (bigint | number)[],
): void {
  if (items.length === 0) return;
  writeTag(writer, spec.number, WIRE.bytes);
  writer.prefixed(() => {
    for (const item of items) writer.varint64(BigInt(item));
  });
}

function writeOne(
  writer: WireWriter,
  { number, kind }: Field<unknown>,
  value: unknown,
  evenDefault: boolean,
): void {
  if (typeof kind === 'object') {
    writeTag(writer, number, WIRE.bytes);
    writer.prefixed(() => {
      writeMessage(writer, kind, value as Record<string, unknown>);
    });
  } else if (kind === 'string' || kind === 'bytes') {
    const bytes = kind === 'string' ? Buffer.from(value as string) : (value as Uint8Array);
    if (bytes.length === 0 && !evenDefault) return;
    writeTag(writer, number, WIRE.bytes);
    writer.varint(bytes.length);
    writer.raw(bytes);
  } else if (kind === 'double') {
    if (value === 0) return;
    writeTag(writer, number, WIRE.fixed64);
    writer.double(value as number);
  } else {
    const integer = BigInt(value as number | bigint | boolean);
    if (integer === 0n && !evenDefault) return;
    writeTag(writer, number, WIRE.varint);
    writer.varint64(integer);
  }
}

function writeTag(writer: WireWriter, number: number, wireType: number): void {
  writer.varint((number << 3) | wireType);
}

/**
 * Decodes a message; absent fields get their default, unknown fields are skipped.
 *
 * @throws ShimError `invalidArgument` for bytes that are no such message.
 */
export function decode<T>(type: MessageType<T>, bytes: Uint8Array): T {
  const reader = new WireReader(bytes, 'message', 'invalidArgument');
  return readMessage(reader, type, bytes.length) as T;
}

function readMessage(reader: WireReader, type: Message, length: number): Record<string, unknown> {
  const byNumber = new Map<number, [string, Field<unknown>]>();
  const result: Record<string, unknown> = {};
  for (const [name, spec] of Object.entries(type.fields)) {
    byNumber.set(spec.number, [name, spec]);
    result[name] = spec.repeated ? [] : spec.absent();
  }
  reader.within(length, () => {
    const tag = reader.uint32();
    const [number, wireType] = [tag >>> 3, tag & 7];
    if (number === 0) reader.fail('a field number out of range');
    const [name, spec] = byNumber.get(number) ?? [];
    if (name === undefined || spec === undefined) reader.skip(wireType);
    else if (spec.repeated) readRepeated(reader, wireType, spec, result[name] as unknown[]);
    else result[name] = readOne(reader, wireType, spec.kind);
  });
  return result;
}

function readRepeated(
  reader: WireReader,
  wireType: number,
  spec: Field<unknown>,
  into: unknown[],
): void {
  if (spec.kind === 'uint64' && wireType === WIRE.bytes) {
    reader.within(reader.uint32(), () => into.push(reader.uint64()));
    return;
  }
  into.push(readOne(reader, wireType, spec.kind));
}

function readOne(reader: WireReader, wireType: number, kind: ScalarKind | Message): unknown {
  const expected = wireTypeOf(kind);
  if (wireType !== expected) reader.fail(`wire type ${wireType}, not ${expected}`);
  if (typeof kind === 'object') return readMessage(reader, kind, reader.uint32());
  switch (kind) {
    case 'string':
      return Buffer.from(reader.bytes()).toString('utf8');
    case 'bytes':
      return reader.bytes();
    case 'double':
      return reader.double();
    case 'bool':
      return reader.uint64() !== 0n;
    case 'uint32':
      return Number(BigInt.asUintN(32, reader.uint64()));
    case 'int32':
      return Number(BigInt.asIntN(32, reader.uint64()));
    case 'int64':
      return Number(reader.int64());
    case 'uint64':
      return reader.uint64();
  }
}

function wireTypeOf(kind: ScalarKind | Message): number {
  if (typeof kind === 'object' || kind === 'string' || kind === 'bytes') return WIRE.bytes;
  return kind === 'double' ? WIRE.fixed64 : WIRE.varint;
}
