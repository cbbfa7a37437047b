// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';
import type { ScalarType } from './fields.js';
import { encodeBytes } from '../procfs/bytes.js';
import { planOf, type MessageName, type PlannedField } from './message-plan.js';
import type { ImageMessages } from './messages/index.js';
import { WIRE } from '../../common/wire/reader.js';
import type { WireWriter } from '../../common/wire/writer.js';

/** Halves of characters that are no bytes of {@link decodeBytes}. */
const LONE_SURROGATE = /[\ud800-\udc7f\udd00-\udfff]/u;
const TWO_63 = 1n << 63n;
const TWO_64 = 1n << 64n;

/**
 * Appends a message to `writer`, its fields in the order of the proto.
 *
 * @throws ShimError `internal` when a required field is missing or a value is not of its type: the
 * caller has built what the format cannot say.
 */
export function encodeMessage<K extends MessageName>(
  name: K,
  value: ImageMessages[K],
  writer: WireWriter,
): void {
  const values = value as Readonly<Record<string, unknown>>;
  for (const field of planOf(name).fields) {
    const content = values[field.name];
    const where = `${name}.${field.name}`;
    if (content !== undefined) encodeField(field, content, writer, where);
    else if (field.label !== 'optional') wrong(where, 'is missing');
  }
}

function encodeField(field: PlannedField, value: unknown, writer: WireWriter, where: string): void {
  if (field.label === 'required' || field.label === 'optional') {
    encodeTagged(field, value, writer, where);
    return;
  }
  if (!Array.isArray(value)) wrong(where, 'is not a list');
  const list: readonly unknown[] = value;
  if (field.label === 'repeated') {
    for (const element of list) encodeTagged(field, element, writer, where);
  } else if (list.length > 0) {
    writer.varint(field.number * 8 + WIRE.bytes);
    writer.prefixed(() => {
      for (const element of list) encodeValue(field, element, writer, where);
    });
  }
}

function encodeTagged(
  field: PlannedField,
  value: unknown,
  writer: WireWriter,
  where: string,
): void {
  const { content } = field;
  const scalar = content.kind === 'scalar' ? content.scalar : undefined;
  const delimited = content.kind === 'message' || scalar === 'string' || scalar === 'bytes';
  const type = delimited ? WIRE.bytes : scalar === 'fixed64' ? WIRE.fixed64 : WIRE.varint;
  writer.varint(field.number * 8 + type);
  encodeValue(field, value, writer, where);
}

function encodeValue(field: PlannedField, value: unknown, writer: WireWriter, where: string): void {
  const { content } = field;
  if (content.kind === 'scalar') {
    encodeScalar(content.scalar, value, writer, where);
  } else if (content.kind === 'enum') {
    const number = content.numbers.get(String(value));
    writer.varint(number ?? wrong(where, `cannot be ${String(value)}`));
  } else {
    if (typeof value !== 'object' || value === null) wrong(where, 'is not a message');
    writer.prefixed(() => {
      encodeMessage(content.message, value as ImageMessages[MessageName], writer);
    });
  }
}

function encodeScalar(type: ScalarType, value: unknown, writer: WireWriter, where: string): void {
  switch (type) {
    case 'uint32':
      writer.varint(integer(value, 0, 0xffffffff, where));
      return;
    case 'int32':
      writer.varint64(BigInt(integer(value, -0x80000000, 0x7fffffff, where)));
      return;
    case 'sint32':
      writer.varint(zigzag32(integer(value, -0x80000000, 0x7fffffff, where)));
      return;
    case 'uint64':
      writer.varint64(bigInteger(value, 0n, where));
      return;
    case 'int64':
      writer.varint64(bigInteger(value, -TWO_63, where));
      return;
    case 'sint64':
      writer.varint64(zigzag64(bigInteger(value, -TWO_63, where)));
      return;
    case 'fixed64':
      writer.fixed64(bigInteger(value, 0n, where));
      return;
    default:
      encodeOther(type, value, writer, where);
  }
}

function encodeOther(
  type: 'bool' | 'string' | 'bytes',
  value: unknown,
  writer: WireWriter,
  where: string,
): void {
  if (type === 'bool') {
    if (typeof value !== 'boolean') wrong(where, 'is not a boolean');
    writer.varint(value ? 1 : 0);
    return;
  }
  const bytes = type === 'bytes' ? value : bytesOf(value, where);
  if (!(bytes instanceof Uint8Array)) wrong(where, 'is not bytes');
  writer.varint(bytes.length);
  writer.raw(bytes);
}

/** Names need not be UTF-8: CRIU writes their bytes, too. */
function bytesOf(value: unknown, where: string): Uint8Array {
  if (typeof value !== 'string') wrong(where, 'is not a string');
  if (LONE_SURROGATE.test(value)) wrong(where, 'is not well-formed Unicode');
  if (value.includes('\0')) wrong(where, 'has a NUL');
  return encodeBytes(value);
}

function integer(value: unknown, low: number, high: number, where: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high) {
    return value;
  }
  return wrong(where, `cannot be ${String(value)}`);
}

/** Unsigned when `low` is 0, signed otherwise. */
function bigInteger(value: unknown, low: bigint, where: string): bigint {
  const high = low === 0n ? TWO_64 : TWO_63;
  if (typeof value === 'bigint' && value >= low && value < high) return value;
  return wrong(where, `cannot be ${String(value)}`);
}

function zigzag32(value: number): number {
  return ((value << 1) ^ (value >> 31)) >>> 0;
}

function zigzag64(value: bigint): bigint {
  return BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
}

function wrong(where: string, why: string): never {
  throw new ShimError('internal', `encode ${where}: ${why}`);
}
