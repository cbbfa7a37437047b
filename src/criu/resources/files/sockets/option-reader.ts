// SPDX-License-Identifier: Apache-2.0
import { socketOptions } from '../../../../native/index.js';

const INT_SIZE = 4;

/** Level and name of an option, and the bytes of its value, a multiple of 4; by default it is an int. */
export type ReadOption = readonly [level: number, name: number, size?: number];

/** Reads the same options of one socket after the other, each time by one call. Values are those of the last socket. */
export class OptionReader {
  readonly #names: Int32Array;
  /** The sizes, then the values. */
  readonly #all: Buffer;
  readonly #sizes: Int32Array;
  readonly #values: Buffer;
  readonly #starts: readonly number[];

  constructor(options: readonly ReadOption[]) {
    let end = 0;
    this.#starts = options.map(([, , size = INT_SIZE]) => (end += size) - size);
    this.#names = Int32Array.from(
      options.flatMap(([level, name, size]) => [level, name, size ?? INT_SIZE]),
    );
    const room = new ArrayBuffer(options.length * INT_SIZE + end);
    this.#all = Buffer.from(room);
    this.#sizes = new Int32Array(room, 0, options.length);
    this.#values = Buffer.from(room, options.length * INT_SIZE);
  }

  /** Reads all options of a socket. */
  read(socket: number): void {
    socketOptions(socket, this.#names, this.#sizes, this.#values);
  }

  /** The same for sockets of which all values are the same. */
  get key(): string {
    return this.#all.toString('latin1');
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

  /** A value of any size, which the next {@link read} changes; undefined if the socket has no such option. */
  bytes(index: number): Buffer | undefined {
    const [size, start = 0] = [this.sizeOf(index), this.#starts[index]];
    return size < 0 ? undefined : this.#values.subarray(start, start + size);
  }
}
