// SPDX-License-Identifier: Apache-2.0

/** Kinds of types (linux/btf.h). */
const KIND = { struct: 4, union: 5, func: 12 } as const;
/** Words of a type: name, kind with the number of its members, size. */
const HEAD = 3;
/** Words of a member of a structure: name, type, offset. */
const MEMBER = 3;
/** Words that follow the head of a type, by kind: so many, and so many for each member. */
const REST: readonly (readonly [number, number])[] = [
  [0, 0], [1, 0], [0, 0], [3, 0], [0, 3], [0, 3], [0, 2], [0, 0], [0, 0], [0, 0],
  [0, 0], [0, 0], [0, 0], [0, 2], [1, 0], [0, 3], [0, 0], [1, 0], [0, 0], [0, 3],
]; // prettier-ignore
/** Of the offset of a member, which counts bits; the rest is the size of a bit field. */
const OFFSET = 0xff_ffff;

/**
 * What a kernel says of its own types (/sys/kernel/btf/vmlinux; kernel documentation, bpf/btf.rst): more than a hundred
 * thousand, so only what is asked for is looked at. Pure.
 */
export class KernelTypes {
  readonly #words: Uint32Array;
  readonly #names: Buffer;
  /** Where each type begins, by its id; there is no type 0. */
  readonly #at: Uint32Array;
  readonly #count: number;

  constructor(bytes: Uint8Array) {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const [head = 0, types = 0, typesSize = 0, names = 0, namesSize = 0] = [4, 8, 12, 16, 20].map(
      (at) => text.readUInt32LE(at),
    );
    // A copy, since words have to be aligned.
    this.#words = new Uint32Array(text.buffer.slice(...extent(text, head + types, typesSize)));
    this.#names = text.subarray(head + names, head + names + namesSize);
    this.#at = new Uint32Array(this.#words.length / HEAD + 1);
    let id = 1;
    for (let at = 0; at < this.#words.length; id++) {
      this.#at[id] = at;
      const [own = 0, each = 0] = REST[this.#kind(at)] ?? [];
      at += HEAD + own + each * this.#members(at);
    }
    this.#count = id;
  }

  /** The id of a function; undefined if there is none of that name. */
  functionId(name: string): number | undefined {
    return this.#find(KIND.func, name);
  }

  /** The byte offsets of members of a structure, which may be in unions without names; undefined unless it has all. */
  offsetsOf(structure: string, members: readonly string[]): number[] | undefined {
    const id = this.#find(KIND.struct, structure);
    if (id === undefined) return undefined;
    const offsets = members.map((member) => this.#offset(id, Buffer.from(`${member}\0`)));
    return offsets.every((offset) => offset !== undefined) ? offsets : undefined;
  }

  #find(kind: number, name: string): number | undefined {
    const wanted = this.#nameAt(name);
    for (let id = 1; id < this.#count; id++) {
      const at = this.#at[id] ?? 0;
      if (this.#words[at] === wanted && this.#kind(at) === kind) return id;
    }
    return undefined;
  }

  /** By its name with the NUL behind it. */
  #offset(id: number, member: Buffer): number | undefined {
    const at = this.#at[id] ?? 0;
    for (let index = 0; index < this.#members(at); index++) {
      const first = at + HEAD + index * MEMBER;
      const [name = 0, type = 0, bits = 0] = this.#words.subarray(first, first + MEMBER);
      const offset = (bits & OFFSET) / 8;
      if (this.#isNamed(name, member)) return offset;
      const inner = name === 0 && this.#isNested(type) ? this.#offset(type, member) : undefined;
      if (inner !== undefined) return offset + inner;
    }
    return undefined;
  }

  #isNamed(at: number, name: Buffer): boolean {
    return this.#names.compare(name, 0, name.length, at, at + name.length) === 0;
  }

  #isNested(id: number): boolean {
    const kind = this.#kind(this.#at[id] ?? 0);
    return kind === KIND.struct || kind === KIND.union;
  }

  #kind(at: number): number {
    return ((this.#words[at + 1] ?? 0) >>> 24) & 0x1f;
  }

  #members(at: number): number {
    return (this.#words[at + 1] ?? 0) & 0xffff;
  }

  /** Where a name lies; each is there once. -1 if it is not. */
  #nameAt(name: string): number {
    const at = this.#names.indexOf(`\0${name}\0`);
    return at < 0 ? at : at + 1;
  }
}

function extent({ byteOffset }: Buffer, at: number, size: number): [number, number] {
  return [byteOffset + at, byteOffset + at + size];
}
