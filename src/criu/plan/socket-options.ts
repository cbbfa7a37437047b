// SPDX-License-Identifier: Apache-2.0
import { OPTION_TOLERATE } from './abi.js';
import type { Descriptor } from './row.js';

/** Level and name of a socket's option. */
export type OptionName = readonly [level: number, name: number];

/** Bytes of a word of the table. */
const WORD = 4;

/** Options of a socket, in the order in which they are set. */
export class SocketOptionTable {
  /** How many there are, then the entries. */
  readonly words = [0];

  /** Adds an option; a value of ints is given as it is. */
  add([level, name]: OptionName, value: Uint8Array | readonly number[], tolerate = false): void {
    const isBytes = value instanceof Uint8Array;
    const size = isBytes ? value.length : value.length * WORD;
    this.#count(1);
    this.words.push(level, name, tolerate ? size | OPTION_TOLERATE : size);
    for (const word of isBytes ? padded(value) : value) this.words.push(word);
  }

  /** Adds all options of another table. */
  append({ words }: SocketOptionTable): void {
    this.#count(words[0] ?? 0);
    for (let at = 1; at < words.length; at++) this.words.push(words[at] ?? 0);
  }

  #count(more: number): void {
    this.words[0] = (this.words[0] ?? 0) + more;
  }
}

/** Options of one socket that one operation sets; as an argument, the address of their table. */
export class PlanSocketOptions extends SocketOptionTable {
  /** Number of the socket. */
  readonly socket: Descriptor;
  /** Offset in the plan; known once it is finished. */
  offset = -1;

  constructor(socket: Descriptor) {
    super();
    this.socket = socket;
  }

  /** Bytes of the table. */
  get size(): number {
    return this.words.length * WORD;
  }

  /** The option whose entry is at an offset of the plan. */
  at(offset: number): OptionName | undefined {
    if (offset < this.offset || offset >= this.offset + this.size) return undefined;
    const [level = 0, name = 0] = this.words.slice((offset - this.offset) / WORD);
    return [level, name];
  }
}

function padded(value: Uint8Array): Uint32Array {
  const bytes = new Uint8Array(Math.ceil(value.length / WORD) * WORD);
  bytes.set(value);
  return new Uint32Array(bytes.buffer);
}
