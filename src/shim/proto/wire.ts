// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';

/** Writes protobuf wire format (protobuf.dev/programming-guides/encoding). */
export class WireWriter {
  #bytes = Buffer.allocUnsafe(128);
  #length = 0;

  /** A bare varint: 64-bit two's complement, 7 bits a byte, low bits first. */
  varint(value: bigint): void {
    let rest = BigInt.asUintN(64, value);
    if (rest <= 0x7fffffffn) {
      this.#smallVarint(Number(rest));
      return;
    }
    this.#reserve(10);
    while (rest > 0x7fn) {
      this.#bytes[this.#length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#bytes[this.#length++] = Number(rest);
  }

  /** Field of wire type 0. */
  varintField(number: number, value: bigint): void {
    this.#smallVarint(number << 3);
    this.varint(value);
  }

  /** Field of wire type 1. */
  doubleField(number: number, value: number): void {
    this.#smallVarint((number << 3) | 1);
    this.#reserve(8);
    this.#length = this.#bytes.writeDoubleLE(value, this.#length);
  }

  /** Field of wire type 2. */
  bytesField(number: number, value: Uint8Array): void {
    this.#smallVarint((number << 3) | 2);
    this.#smallVarint(value.length);
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  /** The bytes written so far; the writer must not be used afterwards. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #smallVarint(value: number): void {
    this.#reserve(5);
    let rest = value;
    while (rest > 0x7f) {
      this.#bytes[this.#length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[this.#length++] = rest;
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

/** Reads protobuf wire format. Every method throws ShimError `invalidArgument` at malformed input. */
export class WireReader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#offset >= this.#bytes.length;
  }

  /** The next field's number and wire type. */
  tag(): { readonly number: number; readonly wireType: number } {
    const tag = this.varint();
    const number = Number(tag >> 3n);
    if (number === 0 || tag > 0xffffffffn) malformed('field number out of range');
    return { number, wireType: Number(tag & 7n) };
  }

  /** A varint as an unsigned 64-bit value. */
  varint(): bigint {
    let low = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#next();
      low |= (byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt(low);
    }
    let value = BigInt(low);
    for (let shift = 28n; shift < 70n; shift += 7n) {
      const byte = this.#next();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    return malformed('varint longer than ten bytes');
  }

  /** A 64-bit float. */
  double(): number {
    const bytes = this.#take(8);
    return new DataView(bytes.buffer, bytes.byteOffset, 8).getFloat64(0, true);
  }

  /** A length-delimited value; a view, valid as long as the input is. */
  bytes(): Uint8Array {
    const length = this.varint();
    if (length > BigInt(this.#bytes.length)) malformed('length beyond the end');
    return this.#take(Number(length));
  }

  /** Passes over a field of an unknown number. */
  skip(wireType: number): void {
    if (wireType === 0) this.varint();
    else if (wireType === 1) this.#take(8);
    else if (wireType === 2) this.bytes();
    else if (wireType === 5) this.#take(4);
    else malformed(`wire type ${wireType}`);
  }

  #next(): number {
    const byte = this.#bytes[this.#offset];
    if (byte === undefined) return malformed('truncated');
    this.#offset += 1;
    return byte;
  }

  #take(length: number): Uint8Array {
    const end = this.#offset + length;
    if (end > this.#bytes.length) malformed('truncated');
    const bytes = this.#bytes.subarray(this.#offset, end);
    this.#offset = end;
    return bytes;
  }
}

function malformed(what: string): never {
  throw new ShimError('invalidArgument', `decode message: ${what}`);
}
