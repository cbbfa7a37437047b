// SPDX-License-Identifier: Apache-2.0
import { decodeBytes } from '../bytes.js';
import { WIRE, type WireReader } from './reader.js';
import {
  DEFAULTS,
  type FieldShape,
  type MessageShape,
  type PartReader,
  type RowForm,
  type Schema,
  type Shortcut,
} from './schema.js';
import type { ScalarType } from './tables.js';

/** What decoding may cost; shared by all messages of a file. */
export interface DecodeBudget {
  /** Messages still allowed, nested ones included. */
  messages: number;
  /** Elements of repeated scalars still allowed. */
  values: number;
  /** Whether a field that the format does not have is an error or skipped. */
  readonly unknownFields: 'refuse' | 'skip';
}

const MAX_DEPTH = 32;

type Value = number | bigint | boolean | string | Uint8Array | object;

/**
 * Decodes the next `length` bytes as one message. A strict schema asks for more than protobuf does: a field
 * given twice, an unknown enum value, a 32-bit value beyond 32 bits or a string with a NUL is an error,
 * since no honest writer makes one.
 *
 * @throws ShimError of the reader's kind for anything that is not such a message or exceeds the budget.
 */
export function decodeMessage<M, K extends keyof M & string>(
  decoding: Decoding<M>,
  name: K,
  length: number,
): M[K] {
  return new MessageDecoder(decoding).message(name, length) as M[K];
}

/**
 * The last messages of each name that were parts of others, with their bytes. Files that are decoded with the same map
 * share equal messages, so nobody may change them.
 */
export type SeenMessages = Map<string, SeenMessage[]>;

/** How many of a name are remembered: the two ends of connections take turns. */
const MOST_SEEN = 4;

/** A message, and where its bytes are. */
interface SeenMessage {
  readonly reader: WireReader;
  readonly at: number;
  readonly length: number;
  readonly value: object;
}

/** What messages are decoded from. */
export interface Decoding<M> {
  readonly schema: Schema<M>;
  readonly reader: WireReader;
  readonly budget: DecodeBudget;
  readonly seen?: SeenMessages | undefined;
}

class MessageDecoder implements PartReader {
  readonly #schema: Schema<unknown>;
  readonly #reader: WireReader;
  readonly #budget: DecodeBudget;
  readonly #strict: boolean;
  readonly #seen: SeenMessages;
  #depth = 0;

  constructor({ schema, reader, budget, seen = new Map() }: Decoding<unknown>) {
    this.#schema = schema;
    this.#reader = reader;
    this.#budget = budget;
    this.#strict = schema.mode === 'strict';
    this.#seen = seen;
  }

  message(name: string, length: number): object {
    const shape = this.#schema.shapeOf(name);
    if (--this.#budget.messages < 0) this.#reader.fail('too many messages');
    if (++this.#depth > MAX_DEPTH) this.#reader.fail('messages nested too deep');
    const outer = this.#reader.enter(length);
    const result = (shape.shortcut && this.#quick(shape.shortcut)) ?? this.#fields(shape);
    this.#reader.leave(outer);
    this.#depth--;
    return result;
  }

  #quick({ read }: Shortcut): object | undefined {
    const start = this.#reader.position;
    const result = read(this.#reader, this);
    if (result && this.#reader.done) return result;
    this.#reader.back(start);
    return undefined;
  }

  #fields(shape: MessageShape): object {
    const result = emptyOf(shape);
    while (!this.#reader.done) this.#field(shape, result);
    for (const field of shape.required) {
      if (result[field] === undefined) this.#reader.fail(`${shape.name} without ${field}`);
    }
    return result;
  }

  #field(shape: MessageShape, result: Record<string, Value>): void {
    const tag = this.#reader.uint32();
    const wireType = tag & 7;
    const field = shape.byNumber.get(tag >>> 3);
    if (!field) {
      this.#unknown(shape, tag >>> 3, wireType);
      return;
    }
    const known = result[field.name];
    if (Array.isArray(known)) {
      this.#element(field, wireType, known);
      return;
    }
    if (this.#strict && known !== undefined) {
      this.#reader.fail(`${shape.name}.${field.name} given twice`);
    }
    result[field.name] = this.#value(field, wireType);
  }

  #unknown(shape: MessageShape, number: number, wireType: number): void {
    if (number === 0 || this.#budget.unknownFields === 'refuse') {
      this.#reader.fail(`unknown field ${String(number)} of ${shape.name}`);
    }
    this.#reader.skip(wireType);
  }

  #element(field: FieldShape, wireType: number, list: unknown[]): void {
    const { content } = field;
    if (content.kind === 'message' && wireType === WIRE.bytes) {
      const { rows } = this.#schema.shapeOf(content.message);
      if (!rows || !this.#rows(field, rows, list)) this.#push(list, this.readPart(content.message));
      return;
    }
    if (wireType !== WIRE.bytes || field.wireType === WIRE.bytes) {
      this.#push(list, this.#value(field, wireType));
      return;
    }
    const outer = this.#reader.enter(this.#reader.uint32());
    while (!this.#reader.done) this.#push(list, this.#value(field, field.wireType));
    this.#reader.leave(outer);
  }

  /** Reads as many messages as follow in the form of rows; false if there is none. */
  #rows({ number }: FieldShape, { layout, Rows }: RowForm, list: unknown[]): boolean {
    const most = Math.min(this.#budget.messages, this.#budget.values);
    const found = this.#reader.rows(number * 8 + WIRE.bytes, most, layout);
    const { length } = found;
    if (length === 0) return false;
    this.#budget.messages -= length;
    this.#budget.values -= length;
    list.push(new Rows(found.finish(), length));
    return true;
  }

  /**
   * Decodes a message that is part of another, or returns one of the last of that name if its bytes are the same, as
   * those of most signal actions are: an object for each would be most of the cost of an image of many processes.
   * What has a shortcut is seldom the same, and quickly read.
   */
  readPart(name: string): object {
    const reader = this.#reader;
    const length = reader.uint32();
    if (this.#schema.shapeOf(name).shortcut) return this.message(name, length);
    let seen = this.#seen.get(name);
    if (!seen) this.#seen.set(name, (seen = []));
    for (const one of seen) {
      if (one.length === length && reader.skipSame(one.reader, one.at, length)) return one.value;
    }
    const at = reader.position;
    const value = this.message(name, length);
    if (seen.length === MOST_SEEN) seen.shift();
    seen.push({ reader, at, length, value });
    return value;
  }

  #push(list: unknown[], value: Value): void {
    if (--this.#budget.values < 0) this.#reader.fail('too many values');
    list.push(value);
  }

  #value(field: FieldShape, wireType: number): Value {
    if (wireType !== field.wireType) this.#reader.fail(`wrong wire type of ${field.name}`);
    const { content } = field;
    if (content.kind === 'message') return this.readPart(content.message);
    if (content.kind === 'scalar') return this.#scalar(content.scalar);
    const number = this.#reader.int32();
    return (
      content.words.get(number) ?? this.#reader.fail(`unknown ${field.name} ${String(number)}`)
    );
  }

  #scalar(type: ScalarType): Value {
    const reader = this.#reader;
    switch (type) {
      case 'uint32':
        return this.#uint32();
      case 'int32':
        return this.#strict ? reader.int32() : reader.low32() | 0;
      case 'sint32':
        return unzigzag32(this.#uint32());
      case 'uint64':
        return reader.uint64();
      case 'int64':
        return reader.int64();
      case 'sint64':
        return reader.sint64();
      case 'fixed64':
        return reader.fixed64();
      case 'bool':
        return this.#bool();
      case 'double':
        return reader.double();
      case 'string':
        return this.#text();
      case 'bytes':
        return reader.bytes();
    }
  }

  #uint32(): number {
    return this.#strict ? this.#reader.uint32() : this.#reader.low32();
  }

  /** Text, or the bytes of a name: see {@link decodeBytes}. */
  #text(): string {
    const plain = this.#reader.plain();
    if (plain !== undefined) return plain;
    const bytes = this.#reader.bytes();
    if (!this.#strict) return Buffer.from(bytes.buffer).toString('utf8');
    if (bytes.includes(0)) this.#reader.fail('a string with NUL');
    return decodeBytes(bytes);
  }

  #bool(): boolean {
    if (!this.#strict) return this.#reader.uint64() !== 0n;
    const value = this.#reader.uint32();
    if (value > 1) this.#reader.fail(`${String(value)} where a boolean belongs`);
    return value === 1;
  }
}

/** A message whose fields have the values that stand for their absence. */
function emptyOf(shape: MessageShape): Record<string, Value> {
  const result: Record<string, Value> = {};
  for (const { name, label, content } of shape.present) {
    if (label !== 'implicit') result[name] = [];
    else if (content.kind === 'scalar') result[name] = DEFAULTS[content.scalar];
  }
  return result;
}

function unzigzag32(value: number): number {
  return (value >>> 1) ^ -(value & 1);
}
