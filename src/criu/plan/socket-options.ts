// SPDX-License-Identifier: Apache-2.0
import { OPTION_TOLERATE } from './abi.js';

/** Level and name of a socket's option. */
export type OptionName = readonly [level: number, name: number];

/** Bytes of a word of the table. */
const WORD = 4;

/** Options of one socket, set one after the other by one operation; as an argument, the address of their table. */
export class PlanSocketOptions {
  /** Number of the socket. */
  readonly socket: number;
  /** How many there are, then the entries. */
  readonly words = [0];
  /** Offset in the plan; known once it is finished. */
  offset = -1;

  constructor(socket: number) {
    this.socket = socket;
  }

  /** Bytes of the table. */
  get size(): number {
    return this.words.length * WORD;
  }

  /** Adds an option whose value is made of ints. */
  add([level, name]: OptionName, value: readonly number[], tolerate = false): void {
    const size = value.length * WORD;
    this.#count();
    this.words.push(level, name, tolerate ? size | OPTION_TOLERATE : size, ...value);
  }

  /** Adds an option with any value. */
  addBytes([level, name]: OptionName, value: Uint8Array): void {
    this.#count();
    this.words.push(level, name, value.length);
    const padded = new Uint8Array(Math.ceil(value.length / WORD) * WORD);
    padded.set(value);
    this.words.push(...new Uint32Array(padded.buffer));
  }

  /** The option whose entry is at an offset of the plan. */
  at(offset: number): OptionName | undefined {
    if (offset < this.offset || offset >= this.offset + this.size) return undefined;
    const [level = 0, name = 0] = this.words.slice((offset - this.offset) / WORD);
    return [level, name];
  }

  #count(): void {
    this.words[0] = (this.words[0] ?? 0) + 1;
  }
}
