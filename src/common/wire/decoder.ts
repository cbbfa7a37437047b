// SPDX-License-Identifier: Apache-2.0
import { decodeBytes } from '../bytes.js';
import { costsOf, FORM_CELLS, type FormParts, type Forms } from './forms.js';
import { WIRE, type WireReader } from './reader.js';
import {
  DEFAULTS,
  type FieldShape,
  type MessageShape,
  type RowForm,
  type Schema,
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
 * Decodes all messages that are left, each behind its size in four bytes. `take` has each, and may read what follows
 * it. Errors as of {@link decodeMessage}.
 */
export function decodeFramed<M, K extends keyof M & string>(
  decoding: Decoding<M>,
  name: K,
  take: (message: M[K]) => void,
): void {
  new MessageDecoder(decoding).framed(name, take as (message: object) => void);
}

/**
 * The last messages of each name that were parts of others, with their bytes. Files that are decoded with the same map
 * share equal messages, so nobody may change them.
 */
export type SeenMessages = Map<string, SeenMessage[]>;

/** How many of a name are remembered: the two ends of connections take turns. */
const MOST_SEEN = 4;
/** How many parts of messages in known forms are remembered, by their places. */
const MOST_PARTS = 64;

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

class MessageDecoder implements FormParts {
  readonly #schema: Schema<unknown>;
  readonly #reader: WireReader;
  readonly #budget: DecodeBudget;
  readonly #strict: boolean;
  readonly #seen: SeenMessages;
  readonly #parts = new Map<number, object | string>();
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
    const result = this.#fields(shape);
    this.#reader.leave(outer);
    this.#depth--;
    return result;
  }

  framed(name: string, take: (message: object) => void): void {
    const { forms } = this.#schema.shapeOf(name);
    const reader = this.#reader;
    while (!reader.done) {
      const isAll = forms !== undefined && this.#formed(name, forms, take);
      if (!isAll) take(this.message(name, reader.fixed32()));
    }
  }

  /** Takes messages up to the first one that is of no form; whether none is left. */
  #formed(name: string, forms: Forms, take: (message: object) => void): boolean {
    const reader = this.#reader;
    const budget = this.#budget;
    const cost = costsOf(forms);
    const room = Math.floor(budget.messages / cost.messages);
    const most = cost.words === 0 ? room : Math.min(room, Math.floor(budget.values / cost.words));
    const { cells, length, width } = reader.forms(forms, most);
    budget.messages -= length * cost.messages;
    budget.values -= length * cost.words;
    for (let at = 0; at < length * width; at += width) {
      // `take` may have read otherwise.
      if (reader.position !== cells[at + FORM_CELLS.begin]) break;
      const form = forms.forms[cells[at] ?? 0];
      reader.move(cells[at + FORM_CELLS.behind] ?? 0);
      const message = form?.make(cells, at + FORM_CELLS.message, this);
      if (!message) reader.move(cells[at + FORM_CELLS.begin] ?? 0);
      take(message ?? this.message(name, reader.fixed32()));
    }
    return reader.done;
  }

  text(at: number, length: number): string {
    return this.#once(at, () => this.#reader.latin(at, length));
  }

  part(name: string, at: number, length: number): object {
    return this.#once(at, () => {
      const behind = this.#reader.position;
      this.#reader.move(at);
      const value = this.message(name, length);
      this.#reader.move(behind);
      return value;
    });
  }

  /** What a place holds is the same each time: nobody may change it. */
  #once<T extends object | string>(at: number, read: () => T): T {
    const known = this.#parts.get(at);
    if (known !== undefined) return known as T;
    const value = read();
    if (this.#parts.size >= MOST_PARTS) this.#parts.clear();
    this.#parts.set(at, value);
    return value;
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
      if (!rows || !this.#rows(field, rows, list))
        this.#push(list, this.#readPart(content.message));
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
  #rows({ number }: FieldShape, { layout, Rows, read }: RowForm, list: unknown[]): boolean {
    const most = Math.min(this.#budget.messages, this.#budget.values);
    const { cells, length } = this.#reader.rows(number * 8 + WIRE.bytes, most, layout, read);
    if (length === 0) return false;
    this.#budget.messages -= length;
    this.#budget.values -= length;
    list.push(new Rows(cells, length));
    return true;
  }

  /**
   * Decodes a message that is part of another, or returns one of the last of that name if its bytes are the same, as
   * those of most signal actions are: an object for each would be most of the cost of an image of many processes.
   */
  #readPart(name: string): object {
    const reader = this.#reader;
    const length = reader.uint32();
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
    if (content.kind === 'message') return this.#readPart(content.message);
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
