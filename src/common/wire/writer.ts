// SPDX-License-Identifier: Apache-2.0

const FIRST_CAPACITY = 16_384;
const NOTHING = Buffer.alloc(0);
const TWO_32 = 0x1_0000_0000;
const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);

/** A buffer that is larger is not kept. */
const MAX_SPARE = 1 << 20;
/** Writers that are open at once, one within the other, at most. */
const MAX_SPARES = 4;

/**
 * Buffers of writers that have finished. V8 collects garbage when 32 MiB of new buffers are in use, however few of them are, and so
 * in the middle of a checkpoint of hundreds of processes.
 */
const spares: Buffer[] = [];

/** A growing buffer of protobuf bytes. Values must be in range: the caller has checked them. */
export class WireWriter {
  #bytes = spares.pop() ?? Buffer.allocUnsafeSlow(FIRST_CAPACITY);
  #length = 0;

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** A copy of what was written. Begins anew. */
  finish(): Uint8Array {
    const written = new Uint8Array(this.#bytes.subarray(0, this.#length));
    const { length } = this.#bytes;
    const isUseful = length >= FIRST_CAPACITY && length <= MAX_SPARE;
    if (isUseful && spares.length < MAX_SPARES) spares.push(this.#bytes);
    this.#bytes = NOTHING;
    this.#length = 0;
    return written;
  }

  /** An unsigned varint of a safe integer. */
  varint(value: number): void {
    this.#reserve(10);
    if (value < 0x80) {
      this.#bytes[this.#length++] = value;
      return;
    }
    let rest = value;
    while (rest >= TWO_32) {
      this.#bytes[this.#length++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[this.#length++] = rest;
  }

  /** A varint of 64 bits; negative values as two's complement. */
  varint64(value: bigint): void {
    if (value >= 0n && value <= MAX_SAFE) {
      this.varint(Number(value));
      return;
    }
    let rest = BigInt.asUintN(64, value);
    this.#reserve(10);
    while (rest > MAX_SAFE) {
      this.#bytes[this.#length++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.varint(Number(rest));
  }

  /** Eight bytes, little endian. */
  fixed64(value: bigint): void {
    this.#reserve(8);
    this.#bytes.writeBigUInt64LE(value, this.#length);
    this.#length += 8;
  }

  /** A 64-bit float. */
  double(value: number): void {
    this.#reserve(8);
    this.#length = this.#bytes.writeDoubleLE(value, this.#length);
  }

  /** Four bytes, little endian. */
  fixed32(value: number): void {
    this.#reserve(4);
    this.#bytes.writeUInt32LE(value, this.#length);
    this.#length += 4;
  }

  /** Bytes as they are. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Writes ASCII characters, preceded by their number. */
  plain(text: string): void {
    this.varint(text.length);
    this.#reserve(text.length);
    this.#length += this.#bytes.write(text, this.#length, 'latin1');
  }

  /** Inserts the length of what has been written from `start` on before it, as a varint. */
  prefix(start: number): void {
    const size = this.#length - start;
    const shift = size < 0x80 ? 1 : Math.ceil((32 - Math.clz32(size)) / 7);
    this.#reserve(shift);
    this.#bytes.copyWithin(start + shift, start, this.#length);
    this.#length = start;
    this.varint(size);
    this.#length += size;
  }

  /** Whatever `write` writes, preceded by its length in four bytes. */
  framed(write: () => void): void {
    const start = this.#length;
    this.fixed32(0);
    write();
    this.#bytes.writeUInt32LE(this.#length - start - 4, start);
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}
