// SPDX-License-Identifier: Apache-2.0
import { readOptions } from '../../../../native/index.js';

const INT_SIZE = 4;

/** Level and name of an option, and the bytes of its value, a multiple of 4; by default it is an int. */
export type ReadOption = readonly [level: number, name: number, size?: number];

/** Values of options that a socket had, or several sockets. */
export class OptionRecord {
  readonly #sizes: Int32Array;
  readonly #values: Buffer;
  readonly #starts: readonly number[];

  constructor(record: Buffer, starts: readonly number[]) {
    const { length } = starts;
    this.#sizes = new Int32Array(record.buffer, record.byteOffset, length);
    this.#values = record.subarray(length * INT_SIZE);
    this.#starts = starts;
  }

  /** The size of a value in bytes, or `-errno`. */
  sizeOf(index: number): number {
    return this.#sizes[index] ?? 0;
  }

  /** An int, or a byte; undefined if the socket has no such option. */
  int(index: number): number | undefined {
    if (this.sizeOf(index) <= 0) return undefined;
    return this.#values.readInt32LE(this.#starts[index]);
  }

  /** A value of any size; undefined if the socket has no such option. */
  bytes(index: number): Buffer | undefined {
    const [size, start = 0] = [this.sizeOf(index), this.#starts[index]];
    return size < 0 ? undefined : this.#values.subarray(start, start + size);
  }
}

/** Reads the same options of sockets. */
export class OptionReader {
  readonly #names: Int32Array;
  readonly #starts: readonly number[];
  /** Bytes of a record. */
  readonly #size: number;

  constructor(options: readonly ReadOption[]) {
    let end = 0;
    this.#starts = options.map(([, , size = INT_SIZE]) => (end += size) - size);
    this.#names = Int32Array.from(
      options.flatMap(([level, name, size]) => [level, name, size ?? INT_SIZE]),
    );
    this.#size = options.length * INT_SIZE + end;
  }

  /** Reads all options of one socket. */
  read(socket: number): OptionRecord {
    const { records } = readOptions(Int32Array.of(socket), this.#names);
    return new OptionRecord(records, this.#starts);
  }

  /** The same for many at once, in their order. Those of which all values are the same share one object. */
  readAll(sockets: readonly number[]): OptionRecord[] {
    const { kinds, records } = readOptions(Int32Array.from(sockets), this.#names);
    const found: OptionRecord[] = [];
    for (let at = 0; at < records.length; at += this.#size) {
      found.push(new OptionRecord(records.subarray(at, at + this.#size), this.#starts));
    }
    return Array.from(kinds).flatMap((kind) => found[kind] ?? []);
  }
}
