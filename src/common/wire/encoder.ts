// SPDX-License-Identifier: Apache-2.0
import { encodeBytes } from '../bytes.js';
import { ShimError } from '../errors.js';
import { PLAIN, WIRE } from './reader.js';
import { Rows, writeRows } from './rows.js';
import {
  DEFAULTS,
  type FieldShape,
  type MessageShape,
  type PartWriter,
  type Schema,
} from './schema.js';
import type { IntegerType, ScalarType } from './tables.js';
import { WireWriter } from './writer.js';

/** Lone surrogates that do not stand for bytes (see {@link encodeBytes}). */
const LONE_SURROGATE = /[\ud800-\udc7f\udd00-\udfff]/u;
/** Greater numbers have a tag of two bytes. */
const MAX_ROWS_FIELD = 15;
const TWO_63 = 1n << 63n;
const TWO_64 = 1n << 64n;

/**
 * Appends a message to `writer`, its fields in the order of the proto. An `implicit` field with its default
 * value takes no bytes; a lenient schema allows lists to be left out.
 *
 * @throws ShimError `internal` when a required field is missing or a value is not of its type: the
 * caller has built what the format cannot express.
 */
export function encodeMessage<M, K extends keyof M & string>(
  schema: Schema<M>,
  name: K,
  value: Partial<M[K]>,
  writer: WireWriter,
): void {
  new MessageEncoder(schema, writer).message(name, value);
}

/** What frozen messages, and frozen lists of messages, are encoded as. */
const SHARED = new WeakMap<
  object,
  {
    readonly schema: Schema<unknown>;
    readonly name: string | FieldShape;
    readonly bytes: Uint8Array;
  }
>();

class MessageEncoder implements PartWriter {
  readonly #schema: Schema<unknown>;
  readonly #writer: WireWriter;
  readonly #strict: boolean;

  constructor(schema: Schema<unknown>, writer: WireWriter) {
    this.#schema = schema;
    this.#writer = writer;
    this.#strict = schema.mode === 'strict';
  }

  message(name: string, value: object): void {
    const shape = this.#schema.shapeOf(name);
    if (shape.shortcut?.write(this.#writer, value, this)) return;
    const values = value as Readonly<Record<string, unknown>>;
    // Not for..of, which makes an object for each step where code is not optimized: a tenth of all garbage.
    shape.fields.forEach((field) => {
      const content = values[field.name];
      if (content !== undefined) this.#field(shape, field, content);
      else if (this.#strict && field.label !== 'optional') wrong(shape, field, 'is missing');
    });
  }

  #field(shape: MessageShape, field: FieldShape, value: unknown): void {
    if (field.label === 'repeated' || field.label === 'packed') {
      if (!Array.isArray(value)) wrong(shape, field, 'is not a list');
      this.#list(shape, field, value);
    } else if (field.label !== 'implicit' || !isDefault(field, value)) {
      this.#tagged(shape, field, value);
    }
  }

  #list(shape: MessageShape, field: FieldShape, list: readonly unknown[]): void {
    if (field.label === 'repeated') {
      if (list.length > 0 && Object.isFrozen(list)) this.#sharedList(shape, field, list);
      else this.#elements(shape, field, list);
    } else if (list.length > 0) {
      this.#writer.varint(field.number * 8 + WIRE.bytes);
      const start = this.#writer.length;
      for (const element of list) this.#value(shape, field, element);
      this.#writer.prefix(start);
    }
  }

  #elements(shape: MessageShape, field: FieldShape, list: readonly unknown[]): void {
    list.forEach((element) => {
      if (element instanceof Rows) this.#rows(shape, field, element);
      else this.#tagged(shape, field, element);
    });
  }

  #rows(shape: MessageShape, field: FieldShape, rows: Rows): void {
    const { content, number } = field;
    const form = content.kind === 'message' && this.#schema.shapeOf(content.message).rows;
    const fits = form && rows instanceof form.Rows && number <= MAX_ROWS_FIELD;
    if (!fits) wrong(shape, field, 'cannot have such rows');
    this.#writer.raw(writeRows(rows, number * 8 + WIRE.bytes, form.layout));
  }

  #tagged(shape: MessageShape, field: FieldShape, value: unknown): void {
    this.#writer.varint(field.number * 8 + field.wireType);
    this.#value(shape, field, value);
  }

  #value(shape: MessageShape, field: FieldShape, value: unknown): void {
    const { content } = field;
    if (content.kind === 'scalar') {
      const why = this.#scalar(content.scalar, value);
      if (why !== undefined) wrong(shape, field, why);
    } else if (content.kind === 'enum') {
      const number = content.numbers.get(String(value));
      this.#writer.varint(number ?? wrong(shape, field, `cannot be ${String(value)}`));
    } else {
      if (typeof value !== 'object' || value === null) wrong(shape, field, 'is not a message');
      this.writePart(content.message, value);
    }
  }

  writePart(name: string, value: object): void {
    if (Object.isFrozen(value)) {
      this.#delimited(this.#shared(name, value));
      return;
    }
    const start = this.#writer.length;
    this.message(name, value);
    this.#writer.prefix(start);
  }

  #sharedList(shape: MessageShape, field: FieldShape, list: readonly unknown[]): void {
    const bytes = this.#once(list, field, (encoder) => {
      encoder.#elements(shape, field, list);
    });
    this.#writer.raw(bytes);
  }

  /** The bytes of a message that nobody changes, which is likely to be part of many others. */
  #shared(name: string, value: object): Uint8Array {
    return this.#once(value, name, (encoder) => {
      encoder.message(name, value);
    });
  }

  #once(
    value: object,
    name: string | FieldShape,
    encode: (encoder: MessageEncoder) => void,
  ): Uint8Array {
    const known = SHARED.get(value);
    if (known?.schema === this.#schema && known.name === name) return known.bytes;
    const writer = new WireWriter();
    encode(new MessageEncoder(this.#schema, writer));
    const bytes = writer.finish();
    SHARED.set(value, { schema: this.#schema, name, bytes });
    return bytes;
  }

  /** Writes a value, or returns why it cannot be of this type. */
  #scalar(type: ScalarType, value: unknown): string | undefined {
    switch (type) {
      case 'bool':
        if (typeof value !== 'boolean') return 'is not a boolean';
        this.#writer.varint(value ? 1 : 0);
        return undefined;
      case 'double':
        if (typeof value !== 'number') return 'is not a number';
        this.#writer.double(value);
        return undefined;
      case 'string':
        return this.#text(value);
      case 'bytes':
        if (!(value instanceof Uint8Array)) return 'is not bytes';
        this.#delimited(value);
        return undefined;
      default:
        return this.#integer(type, value) ? undefined : `cannot be ${String(value)}`;
    }
  }

  /** Writes an integer; false for a value that is not of its type. */
  #integer(type: IntegerType, value: unknown): boolean {
    return typeof value === 'bigint' ? this.#long(type, value) : this.#short(type, value);
  }

  #short(type: IntegerType, value: unknown): boolean {
    if (type === 'uint32') {
      if (!isInteger(value, 0, 0xffffffff)) return false;
      this.#writer.varint(value);
      return true;
    }
    if (type !== 'int32' && type !== 'sint32') return false;
    if (!isInteger(value, -0x80000000, 0x7fffffff)) return false;
    if (type === 'int32' && value >= 0) this.#writer.varint(value);
    else if (type === 'int32') this.#writer.varint64(BigInt(value));
    else this.#writer.varint(zigzag32(value));
    return true;
  }

  #long(type: IntegerType, value: bigint): boolean {
    if (type === 'uint64' || type === 'fixed64') {
      if (value < 0n || value >= TWO_64) return false;
      if (type === 'uint64') this.#writer.varint64(value);
      else this.#writer.fixed64(value);
      return true;
    }
    if (type !== 'int64' && type !== 'sint64') return false;
    if (value < -TWO_63 || value >= TWO_63) return false;
    this.#writer.varint64(type === 'int64' ? value : zigzag64(value));
    return true;
  }

  /** Names need not be UTF-8: CRIU writes their bytes as well. */
  #text(value: unknown): string | undefined {
    if (typeof value !== 'string') return 'is not a string';
    if (PLAIN.test(value)) {
      this.#writer.plain(value);
      return undefined;
    }
    if (this.#strict) {
      if (LONE_SURROGATE.test(value)) return 'is not well-formed Unicode';
      if (value.includes('\0')) return 'has a NUL';
    }
    this.#delimited(this.#strict ? encodeBytes(value) : Buffer.from(value, 'utf8'));
    return undefined;
  }

  #delimited(bytes: Uint8Array): void {
    this.#writer.varint(bytes.length);
    this.#writer.raw(bytes);
  }
}

function isDefault({ content }: FieldShape, value: unknown): boolean {
  if (content.kind !== 'scalar') return false;
  return value instanceof Uint8Array ? value.length === 0 : value === DEFAULTS[content.scalar];
}

function isInteger(value: unknown, low: number, high: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high;
}

function zigzag32(value: number): number {
  return ((value << 1) ^ (value >> 31)) >>> 0;
}

function zigzag64(value: bigint): bigint {
  return BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
}

function wrong(shape: MessageShape, field: FieldShape, why: string): never {
  throw new ShimError('internal', `encode ${shape.name}.${field.name}: ${why}`);
}
