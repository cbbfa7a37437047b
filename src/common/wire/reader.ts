// SPDX-License-Identifier: Apache-2.0
import { ShimError, type ErrorKind } from '../errors.js';
import type { Forms, FoundForms } from './forms.js';
import { readRows, type FoundRows, type RowLayout, type RowReader } from './rows.js';

/** Protobuf's wire types that a message without groups can have. */
export const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** Text whose characters are the same bytes in every encoding: printable ASCII. */
export const PLAIN = /^[ -~]*$/;

const TWO_32 = 0x1_0000_0000;
/** From this high half on, numbers are not safe integers. */
const MAX_SAFE_HIGH = 0x20_0000;
/** The smallest numbers, which are most frequent: every other bigint is a new object. */
const SMALL = Array.from({ length: 128 }, (_, number) => BigInt(number));

/**
 * A cursor over protobuf bytes that never reads past its end. Source of the encoding: protobuf.dev,
 * "Encoding". Every method throws ShimError of the kind given, naming the source and the byte, when
 * the bytes cannot be what it is asked for.
 */
export class WireReader {
  readonly #bytes: Buffer;
  readonly #source: string;
  readonly #kind: ErrorKind;
  #at = 0;
  #end: number;
  #low = 0;
  #high = 0;

  /** `source` names the bytes in errors: a file name. The bytes are borrowed, not copied. */
  constructor(bytes: Uint8Array, source: string, kind: ErrorKind = 'dataLoss') {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#source = source;
    this.#kind = kind;
    this.#end = bytes.length;
  }

  /** Byte position from the start of the source. */
  get position(): number {
    return this.#at;
  }

  /** Whether all has been read. */
  get done(): boolean {
    return this.#at >= this.#end;
  }

  /** Throws an error about the current position. */
  fail(why: string): never {
    const message = `decode ${this.#source}: ${why} at byte ${String(this.#at)}`;
    throw new ShimError(this.#kind, message);
  }

  /** A varint as unsigned 64-bit. */
  uint64(): bigint {
    this.#varint();
    if (this.#high === 0) return small(this.#low) ?? BigInt(this.#low);
    if (this.#high < MAX_SAFE_HIGH) return BigInt(this.#high * TWO_32 + this.#low);
    return (BigInt(this.#high) << 32n) | BigInt(this.#low);
  }

  /** A zigzag varint of 64 bits. */
  sint64(): bigint {
    const value = this.uint64();
    return value === 1n ? -1n : BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n));
  }

  /** A varint as two's complement 64-bit. */
  int64(): bigint {
    return BigInt.asIntN(64, this.uint64());
  }

  /** A varint below 2^32. */
  uint32(): number {
    this.#varint();
    if (this.#high !== 0) this.fail('a 32-bit value with more than 32 bits');
    return this.#low;
  }

  /** A zigzag varint of 32 bits. */
  sint32(): number {
    const value = this.uint32();
    return (value >>> 1) ^ -(value & 1);
  }

  /** The low 32 bits of a varint. */
  low32(): number {
    this.#varint();
    return this.#low;
  }

  /** A sign-extended varint of 32 bits. */
  int32(): number {
    this.#varint();
    const value = this.#low | 0;
    if (this.#high !== (value < 0 ? 0xffffffff : 0)) this.fail('a value beyond int32');
    return value;
  }

  /** Eight bytes, little endian. */
  fixed64(): bigint {
    const from = this.#advance(8);
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset + from, 8).getBigUint64(0, true);
  }

  /** A 64-bit float. */
  double(): number {
    const from = this.#advance(8);
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset + from, 8).getFloat64(0, true);
  }

  /** Four bytes, little endian. */
  fixed32(): number {
    const from = this.#advance(4);
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset + from, 4).getUint32(0, true);
  }

  /** `length` raw bytes, as a copy that does not keep the source alive. */
  take(length: number): Uint8Array {
    const from = this.#advance(length);
    // Not slice(): that of a Buffer would share its memory.
    return new Uint8Array(this.#bytes.subarray(from, from + length));
  }

  /** Goes to a position of what was read, or was found to be there. */
  move(position: number): void {
    this.#at = position;
  }

  /** A length-prefixed run of bytes, copied. */
  bytes(): Uint8Array {
    return this.take(this.uint32());
  }

  /** Moves the end to after the next `length` bytes, until {@link leave} is called with the result. */
  enter(length: number): number {
    const outer = this.#end;
    if (length > outer - this.#at) this.fail(`a length of ${String(length)} beyond the end`);
    this.#end = this.#at + length;
    return outer;
  }

  /** Restores the end that {@link enter} has moved. */
  leave(outer: number): void {
    this.#end = outer;
  }

  /** Reads messages of a list from behind the tag of the first; see {@link RowReader}. */
  rows(tag: number, most: number, layout: RowLayout, read: RowReader = readRows): FoundRows {
    const list = { bytes: this.#bytes, from: this.#at, end: this.#end, tag, most };
    const found = read(list, layout);
    this.#at = found.at;
    return found;
  }

  /** A length-prefixed {@link PLAIN} text; returns undefined and reads nothing if other text follows. */
  plain(): string | undefined {
    const start = this.#at;
    const length = this.uint32();
    const from = this.#advance(length);
    const text = this.#bytes.toString('latin1', from, from + length);
    if (PLAIN.test(text)) return text;
    this.#at = start;
    return undefined;
  }

  /** {@link PLAIN} text that was found to be at a position. */
  latin(from: number, length: number): string {
    return this.#bytes.toString('latin1', from, from + length);
  }

  /** Looks for messages in known forms, each behind its size, and stays where it is. */
  forms(forms: Forms, most: number): FoundForms {
    return forms.read({ bytes: this.#bytes, from: this.#at, end: this.#end, most }, forms);
  }

  /** Skips the next `length` bytes if they equal those of another reader from a position on. */
  skipSame(other: WireReader, from: number, length: number): boolean {
    const at = this.#at;
    const others = other.#bytes;
    if (length > this.#end - at || this.#bytes[at] !== others[from]) return false;
    if (this.#bytes.compare(others, from, from + length, at, at + length) !== 0) return false;
    this.#at += length;
    return true;
  }

  /** Skips a field's value; fails at a group, which nobody writes any more. */
  skip(wireType: number): void {
    if (wireType === WIRE.varint) this.#varint();
    else if (wireType === WIRE.fixed64) this.#advance(8);
    else if (wireType === WIRE.fixed32) this.#advance(4);
    else if (wireType === WIRE.bytes) this.#advance(this.uint32());
    else this.fail(`wire type ${String(wireType)}`);
  }

  #advance(length: number): number {
    const from = this.#at;
    if (length > this.#end - from) this.fail(`${String(length)} bytes wanted beyond the end`);
    this.#at = from + length;
    return from;
  }

  /** Leaves the value's halves in `#low` and `#high`: the many small values need no bigint. */
  #varint(): void {
    const first = this.#at < this.#end ? (this.#bytes[this.#at] ?? 0) : 0x80;
    if (first >= 0x80) {
      this.#longVarint();
      return;
    }
    this.#at += 1;
    this.#low = first;
    this.#high = 0;
  }

  #longVarint(): void {
    const bytes = this.#bytes;
    let at = this.#at;
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= this.#end) this.#at = at;
      if (at >= this.#end) this.#advance(1);
      const byte = bytes[at++] ?? 0;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (shift - 32);
      if (shift === 63 && byte > 1) this.fail('a varint of more than 64 bits');
      if (byte < 0x80) break;
    }
    this.#at = at;
    this.#low = low >>> 0;
    this.#high = high >>> 0;
  }
}

function small(number: number): bigint | undefined {
  return number < SMALL.length ? SMALL[number] : undefined;
}
