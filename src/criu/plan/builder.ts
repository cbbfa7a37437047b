// SPDX-License-Identifier: Apache-2.0
import { PAGE } from '../../native/abi/index.js';
import { encodeBytes } from '../../common/bytes.js';
import { HEADER, OP_SIZE, PLAN_HEADER_SIZE, PLAN_MAGIC, PLAN_STACK, WORD } from './abi.js';
import { writeOperation } from './encode.js';
import { RowWord } from './row.js';
import { Sequence, type Operation, type PlanTable } from './sequence.js';
import { PlanData, PlanPointer, Slot } from './values.js';

const HALF = 4;
const PAGE_BYTES = Number(PAGE);
const NOTHING = new Uint8Array(0);

/** A finished plan: bytes for a memory file, and words for its failures. */
export interface Plan {
  readonly bytes: Uint8Array;
  /** Data that the operations write to. */
  readonly answers: readonly PlanData[];
  /** What the operation at an offset was meant to do, for the row at another one (0: none); for error messages. */
  readonly describe: (offset: bigint, row?: bigint) => string;
  /** Words for its result if that is a failure; undefined if the result is an errno that says it all. */
  readonly explain: (offset: bigint, result: bigint, row?: bigint) => string | undefined;
}

/** Collects sequences, data and slots, and lays them out. mvas_abi.h draws the format. */
export class PlanBuilder {
  /** Where the plan will be mapped. */
  readonly #address: bigint;
  readonly #links: { readonly from: PlanData; readonly at: number; readonly to: PlanData }[] = [];
  readonly #sequences: Sequence[] = [];
  readonly #data: PlanData[] = [];
  readonly #answers: PlanData[] = [];
  #slots = 0;

  constructor(address = 0n) {
    this.#address = address;
  }

  /** Makes a word of some data hold the address of other data: a pointer inside a structure. */
  link(from: PlanData, at: number, to: PlanData): void {
    this.#links.push({ from, at, to });
  }

  /** A new, empty sequence; `name` appears in error messages (`pid 12`, `pid 12 tid 13`). */
  sequence(name: string): Sequence {
    const sequence = new Sequence(name);
    this.#sequences.push(sequence);
    return sequence;
  }

  slot(): Slot {
    return new Slot(this.#slots++);
  }

  /** Adds bytes to the plan. They are not copied before {@link finish}. */
  data(bytes: Uint8Array, align = 8): PlanData {
    const data = new PlanData(bytes, align);
    this.#data.push(data);
    return data;
  }

  /** Adds bytes to the plan, and replaces them by what the operations have left there once it has run. */
  answer(bytes: Uint8Array): PlanData {
    const data = this.data(bytes);
    this.#answers.push(data);
    return data;
  }

  /** Adds zeroed room. */
  reserve(size: number, align = 8): PlanData {
    const data = new PlanData(NOTHING, align, size);
    this.#data.push(data);
    return data;
  }

  /** Adds a stack for a process or a thread that the plan makes; the address of its end. */
  stackEnd(): PlanPointer {
    return new PlanPointer(this.reserve(PLAN_STACK, 64), PLAN_STACK);
  }

  /** Adds a C string, from text or from the bytes of a name. */
  string(text: string | Uint8Array): PlanData {
    const raw = typeof text === 'string' ? encodeBytes(text) : text;
    const bytes = new Uint8Array(raw.length + 1);
    bytes.set(raw);
    return this.data(bytes, 1);
  }

  /** Lays everything out. The builder must not be used afterwards. */
  finish(): Plan {
    const size = this.#layOut();
    const words = new BigUint64Array(size / WORD);
    const bytes = new Uint8Array(words.buffer);
    words[HEADER.magic / WORD] = PLAN_MAGIC;
    words[HEADER.size / WORD] = BigInt(size);
    words[HEADER.slots / WORD] = BigInt(this.#slots);
    const target = { words, halves: new Uint32Array(words.buffer) };
    for (const { offset, operations, socketOptions } of this.#sequences) {
      for (const options of socketOptions) {
        target.halves.set(options.words, options.offset / HALF);
      }
      let at = offset / WORD;
      for (const operation of operations) {
        writeOperation(target, at, operation);
        at += OP_SIZE / WORD;
      }
    }
    for (const data of this.#data) {
      if (data.bytes.length > 0) bytes.set(data.bytes, data.offset);
    }
    const view = new DataView(words.buffer);
    for (const { from, at, to } of this.#links) {
      view.setBigUint64(from.offset + at, this.#address + BigInt(to.offset), true);
    }
    return {
      bytes,
      answers: this.#answers,
      describe: (offset, row) => this.#describe(Number(offset), Number(row ?? 0n)),
      explain: (offset, result, row) => this.#explain(Number(offset), result, Number(row ?? 0n)),
    };
  }

  #describe(offset: number, row = 0): string {
    if (row !== 0) {
      const [what, own] = [this.#describeRow(row) ?? '', this.#describe(offset)];
      return own === '' ? what : `${what}: ${own}`;
    }
    const { name = '', operation } = this.#find(offset) ?? {};
    if (operation) return withName(name, operation.what);
    return (
      this.#describeRow(offset) ?? this.#describeOption(offset) ?? `operation at ${String(offset)}`
    );
  }

  /** An unexpected result need not be an errno: it may be a size or an address. */
  #explain(offset: number, result: bigint, row: number): string | undefined {
    const { expect, explain } = this.#find(offset)?.operation.options ?? {};
    const words = explain?.(result) ?? this.#explainRow(row, result);
    if (words !== undefined || isErrno(result)) return words;
    const isGiven = expect !== undefined && !(expect instanceof RowWord);
    const wanted = isGiven ? `not ${String(expect)}` : 'which is a failure';
    return `${this.#describe(offset, row)}: the result is ${String(result)}, ${wanted}`;
  }

  #find(offset: number): { readonly operation: Operation; readonly name: string } | undefined {
    for (const { name, offset: start, operations } of this.#sequences) {
      const operation = operations[(offset - start) / OP_SIZE];
      if (operation) return { operation, name };
    }
    return undefined;
  }

  #describeRow(offset: number): string | undefined {
    const found = this.#findRow(offset);
    return found && `${found.name}: ${found.table.what(found.row)}`;
  }

  #explainRow(offset: number, result: bigint): string | undefined {
    const found = offset === 0 ? undefined : this.#findRow(offset);
    return found?.table.explain?.(found.row, result);
  }

  #findRow(
    offset: number,
  ): { readonly name: string; readonly table: PlanTable; readonly row: number } | undefined {
    for (const { name, tables, repeated } of this.#sequences) {
      const calls = tables.map((rows) => ({ ...rows, width: rows.width * WORD }));
      for (const table of [...calls, ...repeated]) {
        const at = offset - table.data.offset;
        const row = Math.floor(at / table.width);
        if (at >= 0 && at < table.data.size) return { name, table, row };
      }
    }
    return undefined;
  }

  #describeOption(offset: number): string | undefined {
    for (const { name, socketOptions } of this.#sequences) {
      for (const options of socketOptions) {
        const option = options.at(offset);
        if (option) return withName(name, `set socket option ${option.join(':')}`);
      }
    }
    return undefined;
  }

  #layOut(): number {
    let cursor = PLAN_HEADER_SIZE + this.#slots * 8;
    for (const sequence of this.#sequences) {
      sequence.offset = cursor;
      cursor += sequence.operations.length * OP_SIZE;
    }
    for (const options of this.#sequences.flatMap(({ socketOptions }) => socketOptions)) {
      options.offset = cursor;
      cursor += options.size;
    }
    for (const data of this.#data) {
      cursor = Math.ceil(cursor / data.align) * data.align;
      data.offset = cursor;
      cursor += data.size;
    }
    return Math.ceil(cursor / PAGE_BYTES) * PAGE_BYTES;
  }
}

/** What is done for each row of a table belongs to no sequence with a name. */
function withName(name: string, what: string): string {
  return name === '' ? what : `${name}: ${what}`;
}

/** Whether a result is that of a failed system call (MAX_ERRNO of linux/err.h). */
function isErrno(result: bigint): boolean {
  return result < 0n && result >= -4095n;
}
