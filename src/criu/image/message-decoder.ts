// SPDX-License-Identifier: Apache-2.0
import { decodeBytes } from '../procfs/bytes.js';
import type { ScalarType } from './fields.js';
import { planOf, type MessageName, type MessagePlan, type PlannedField } from './message-plan.js';
import type { ImageMessages } from './messages/index.js';
import { WIRE, type WireReader } from '../../common/wire/reader.js';

/** What decoding a file may cost; shared by all messages of the file. */
export interface DecodeBudget {
  /** Messages still allowed, nested ones included. */
  messages: number;
  /** Elements of repeated scalars still allowed. */
  values: number;
  /** Whether a field that the format does not have is an error or passed over. */
  readonly unknownFields: 'refuse' | 'skip';
}

const MAX_DEPTH = 32;

type Value = number | bigint | boolean | string | Uint8Array | object;

/**
 * Decodes the next `length` bytes as one message. Stricter than protobuf asks: a field given twice,
 * an unknown enum value, a 32-bit value beyond 32 bits or a string with a NUL is an error,
 * since no honest writer makes one.
 *
 * @throws ShimError `dataLoss` for anything that is not such a message or exceeds the budget.
 */
export function decodeMessage<K extends MessageName>(
  name: K,
  reader: WireReader,
  length: number,
  budget: DecodeBudget,
): ImageMessages[K] {
  return new MessageDecoder(reader, budget).message(name, length) as unknown as ImageMessages[K];
}

class MessageDecoder {
  readonly #reader: WireReader;
  readonly #budget: DecodeBudget;
  #depth = 0;

  constructor(reader: WireReader, budget: DecodeBudget) {
    this.#reader = reader;
    this.#budget = budget;
  }

  message(name: MessageName, length: number): Record<string, Value> {
    const plan = planOf(name);
    const result: Record<string, Value> = {};
    for (const { name: field, label } of plan.fields) {
      if (label === 'repeated' || label === 'packed') result[field] = [];
    }
    if (--this.#budget.messages < 0) this.#reader.fail('too many messages');
    if (++this.#depth > MAX_DEPTH) this.#reader.fail('messages nested too deep');
    this.#reader.within(length, () => {
      this.#field(plan, result);
    });
    this.#depth--;
    for (const { name: field, label } of plan.fields) {
      if (label === 'required' && result[field] === undefined) {
        this.#reader.fail(`${plan.name} without ${field}`);
      }
    }
    return result;
  }

  #field(plan: MessagePlan, result: Record<string, Value>): void {
    const tag = this.#reader.uint32();
    const wireType = tag & 7;
    const field = plan.byNumber.get(tag >>> 3);
    if (!field) {
      this.#unknown(plan, tag >>> 3, wireType);
      return;
    }
    const list = result[field.name];
    if (Array.isArray(list)) {
      this.#element(field, wireType, list);
      return;
    }
    if (list !== undefined) this.#reader.fail(`${plan.name}.${field.name} given twice`);
    result[field.name] = this.#value(field, wireType);
  }

  #unknown(plan: MessagePlan, number: number, wireType: number): void {
    if (number === 0 || this.#budget.unknownFields === 'refuse') {
      this.#reader.fail(`unknown field ${String(number)} of ${plan.name}`);
    }
    this.#reader.skip(wireType);
  }

  #element(field: PlannedField, wireType: number, list: unknown[]): void {
    const expected = wireTypeOf(field);
    if (wireType !== WIRE.bytes || expected === WIRE.bytes) {
      this.#push(list, this.#value(field, wireType));
      return;
    }
    this.#reader.within(this.#reader.uint32(), () => {
      this.#push(list, this.#value(field, expected));
    });
  }

  #push(list: unknown[], value: Value): void {
    if (--this.#budget.values < 0) this.#reader.fail('too many values');
    list.push(value);
  }

  #value(field: PlannedField, wireType: number): Value {
    if (wireType !== wireTypeOf(field)) this.#reader.fail(`wrong wire type of ${field.name}`);
    const { content } = field;
    if (content.kind === 'message') return this.message(content.message, this.#reader.uint32());
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
        return reader.uint32();
      case 'int32':
        return reader.int32();
      case 'sint32':
        return unzigzag32(reader.uint32());
      case 'uint64':
        return reader.uint64();
      case 'int64':
        return reader.int64();
      case 'sint64':
        return unzigzag64(reader.uint64());
      case 'fixed64':
        return reader.fixed64();
      case 'bool':
        return this.#bool();
      case 'string':
        return this.#string();
      case 'bytes':
        return reader.bytes();
    }
  }

  /** Text, or the bytes of a name: see {@link decodeBytes}. */
  #string(): string {
    const bytes = this.#reader.bytes();
    if (bytes.includes(0)) this.#reader.fail('a string with NUL');
    return decodeBytes(bytes);
  }

  #bool(): boolean {
    const value = this.#reader.uint32();
    if (value > 1) this.#reader.fail(`${String(value)} where a boolean belongs`);
    return value === 1;
  }
}

/** The wire type of a single value of a field. */
function wireTypeOf({ content }: PlannedField): number {
  if (content.kind === 'message') return WIRE.bytes;
  if (content.kind === 'enum') return WIRE.varint;
  if (content.scalar === 'string' || content.scalar === 'bytes') return WIRE.bytes;
  return content.scalar === 'fixed64' ? WIRE.fixed64 : WIRE.varint;
}

function unzigzag32(value: number): number {
  return (value >>> 1) ^ -(value & 1);
}

function unzigzag64(value: bigint): bigint {
  return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n));
}
