// SPDX-License-Identifier: Apache-2.0
import { orNoId } from './or-no-id.js';
import { assertInvariant } from '../../common/errors.js';
import type { NsPid, NsTid } from '../../common/ids.js';
import { PAGE, SIGCHLD } from '../../native/abi/index.js';
import { encodeBytes } from '../../common/bytes.js';
import { HEADER, OP, OP_CODE, OP_FLAG, OP_SIZE, PLAN_HEADER_SIZE, PLAN_MAGIC } from './abi.js';
import { RowAddress, RowWord, type Descriptor } from './row.js';
import { PlanSocketOptions, type SocketOptionTable } from './socket-options.js';

/** A place for a result that later operations take as an argument. Shared by all processes of a plan. */
export class Slot {
  readonly index: number;
  constructor(index: number) {
    this.index = index;
  }
}

/** Bytes inside the plan; as an argument, their address. */
export class PlanData {
  /** The bytes; they may be filled in until the plan is finished. */
  readonly bytes: Uint8Array;
  readonly align: number;
  /** The size of their room; what the bytes do not fill is zero. */
  readonly size: number;
  /** Offset in the plan; known once it is finished. */
  offset = -1;
  constructor(bytes: Uint8Array, align: number, size = bytes.length) {
    this.bytes = bytes;
    this.align = align;
    this.size = size;
  }
}

/** An address `delta` bytes into some {@link PlanData}. */
export class PlanPointer {
  readonly data: PlanData;
  readonly delta: number;
  /** As an argument: the address `delta` bytes into the data. */
  constructor(data: PlanData, delta: number) {
    this.data = data;
    this.delta = delta;
  }
}

/** Words for an error message; a function where there are many of them, since few are ever read. */
export type Words = string | (() => string);

/** An argument of an operation. */
export type Argument =
  number | bigint | null | Slot | PlanData | PlanPointer | PlanSocketOptions | RowWord | RowAddress;

/** How an operation's result is judged and kept. */
export interface OpOptions {
  /** Failure is ignored. */
  readonly tolerate?: boolean;
  /** Any other result is a failure. */
  readonly expect?: number | bigint | RowWord;
  /** Keeps the result. */
  readonly store?: Slot | undefined;
  /** The result is a descriptor, which is moved to this number (close-on-exec). */
  readonly move?: Descriptor | undefined;
  /** How a failure is described. */
  readonly explain?: Explain | undefined;
}

/** Words for a failure that the errno does not explain well enough; undefined if it does. */
export type Explain = (result: bigint) => string | undefined;

/** How a child is forked: further clone flags, and the signal that its parent gets when it exits. */
export interface ForkOptions {
  readonly flags?: number;
  readonly exitSignal?: number;
}

/** The address that pulled bytes go to, the address or file offset they come from, and their number. */
export type PullRange = readonly [to: bigint, from: bigint, length: bigint];

/** How {@link Sequence.open} opens a path. */
export interface OpenPath {
  readonly directory: Argument;
  /** A C string. */
  readonly path: PlanData;
  /** `struct open_how` of openat2(2). */
  readonly how: PlanData;
  /** The number that the descriptor gets. */
  readonly number: number;
  /** Flags that it gets once it is open (F_SETFL); null to keep those it was opened with. */
  readonly flags: number | null;
  /** Where to store its `struct stat`. */
  readonly stat: PlanData | null;
}

/** The same system call with many sets of arguments: {@link Sequence.rows}. */
export interface PlanRows {
  readonly nr: number;
  readonly data: PlanData;
  /** Arguments of each call. */
  readonly width: number;
  /** What a row is meant to do. */
  readonly what: (row: number) => string;
}

/** Rows of bytes for which {@link Sequence.each} does the same. */
export interface PlanTable {
  readonly data: PlanData;
  /** Bytes of each row, a multiple of 8. */
  readonly width: number;
  /** What a row is. */
  readonly what: (row: number) => string;
}

/** An io_uring: its descriptor, what it was set up by, and what it has to become. */
export interface PlanRing {
  readonly fd: Argument;
  /** `struct io_uring_params`. */
  readonly params: PlanData;
  /** How many it has to have taken and completed. */
  readonly requests: number;
  readonly rings: PlanData;
  readonly entries: PlanData;
}

/** What {@link Sequence.mapAt} maps. */
export interface PlanMapping {
  readonly fd: Argument;
  readonly length: bigint;
  readonly protection: number;
  readonly offset: bigint;
}

/** A VAS of the kernel, and the descriptor it is read by. */
export interface KernelImage {
  readonly device: Argument;
  readonly id: number;
}

/** Fields of a plan are words in the host's byte order. */
const WORD = 8;
const HALF = 4;
/** The child is traced as its parent is, which does not stop for that as it would by PTRACE_O_TRACEFORK (clone(2)). */
const CLONE_PTRACE = 0x2000;
const PAGE_BYTES = Number(PAGE);
/** Words of a {@link PullRange}. */
const PULL_WIDTH = 3;
const NOTHING = new Uint8Array(0);

const NO_OPTIONS: OpOptions = {};

/** An operation, and the words that say what it was meant to do. */
class Operation {
  readonly code: number;
  readonly nr: number;
  readonly args: readonly (Argument | Sequence)[];
  readonly options: OpOptions;
  readonly #what: Words;

  constructor(what: Words, code: number, { nr = 0, args, options = NO_OPTIONS }: OperationParts) {
    this.#what = what;
    this.code = code;
    this.nr = nr;
    this.args = args;
    this.options = options;
  }

  get what(): string {
    return typeof this.#what === 'string' ? this.#what : this.#what();
  }
}

/** What an operation has besides its words and its code. */
interface OperationParts {
  readonly nr?: number;
  readonly args: readonly (Argument | Sequence)[];
  readonly options?: OpOptions | undefined;
}

/**
 * Operations that one process or thread executes one after the other. Each carries `what`, words
 * for an error message: what was attempted, on which object (`open fd 7 (/data/log)`).
 */
export class Sequence {
  readonly name: string;
  readonly operations: Operation[] = [];
  readonly tables: PlanRows[] = [];
  readonly socketOptions: PlanSocketOptions[] = [];
  readonly repeated: PlanTable[] = [];
  offset = -1;
  /** How many operations there were when the last of `socketOptions` had been added. */
  #optionsEnd = -1;

  constructor(name: string) {
    this.name = name;
  }

  /** A system call; by default a result in [-4095, -1] is a failure and ends the whole plan. */
  syscall(what: Words, nr: number, args: readonly Argument[], options?: OpOptions): void {
    this.#add(what, OP_CODE.syscall, { nr, args, options });
  }

  /** Copies memory. */
  copy(what: Words, to: Argument, from: Argument, length: Argument): void {
    this.#add(what, OP_CODE.copy, { args: [to, from, length] });
  }

  /** Pulls memory of another process here (process_vm_readv(2)). */
  pull(what: Words, pid: Argument, ...range: PullRange): void {
    this.#add(what, OP_CODE.pull, { args: [pid, ...range] });
  }

  /** Pulls bytes of a file here (pread(2)). */
  pread(what: Words, fd: Argument, ...range: PullRange): void {
    this.#add(what, OP_CODE.pread, { args: [fd, ...range] });
  }

  /** Pulls memory of a VAS of the kernel here; `device` is /dev/mvas, and `id` the VAS's. */
  readVas(what: Words, { device, id }: KernelImage, ...range: PullRange): void {
    this.#add(what, OP_CODE.readVas, { args: [device, ...range, id] });
  }

  /** Writes all of some bytes to a descriptor. */
  write(what: Words, fd: Argument, from: Argument, length: Argument): void {
    this.#add(what, OP_CODE.write, { args: [fd, from, length] });
  }

  /** Stores a word, such as the address of plan data: for pointers inside structures. */
  poke(what: Words, at: Argument, word: Argument): void {
    this.#add(what, OP_CODE.poke, { args: [at, word] });
  }

  /** Forks a child with a pid, which goes on with a sequence of its own. */
  fork(what: Words, pid: NsPid, child: Sequence, options: ForkOptions = {}): void {
    const args = [pid, child, (options.flags ?? 0) | CLONE_PTRACE, options.exitSignal ?? SIGCHLD];
    this.#add(what, OP_CODE.fork, { args, options: orNoId(pid) });
  }

  /** Creates a thread with a tid and a stack (its end), which goes on with a sequence of its own. */
  thread(what: Words, tid: NsTid, thread: Sequence, stackEnd: Argument): void {
    this.#add(what, OP_CODE.thread, { args: [tid, thread, stackEnd], options: orNoId(tid) });
  }

  /** Creates a POSIX timer with a given id on kernels that choose the ids themselves. */
  timer(what: Words, clock: Argument, sigevent: Argument, id: number): void {
    this.#add(what, OP_CODE.timer, { args: [clock, sigevent, id] });
  }

  /** Takes the pending signals of a set (a 64-bit mask) out of the queue. */
  drainSignals(what: Words, mask: Argument): void {
    this.#add(what, OP_CODE.drainSignals, { args: [mask] });
  }

  /** Opens a path. */
  open(what: string, path: OpenPath, explain?: Explain): void {
    const { directory, path: name, how, number, flags, stat } = path;
    const args = [directory, name, how, number, flags ?? -1, stat];
    this.#add(what, OP_CODE.open, { args, options: { explain } });
  }

  /** Moves a descriptor, whose number is in an int in memory, to another number (close-on-exec). */
  moveFrom(what: string, from: Argument, number: number): void {
    this.#add(what, OP_CODE.moveFrom, { args: [from, number] });
  }

  /** Makes one system call for each row of a table; none may fail. */
  rows(rows: PlanRows): void {
    const { nr, data, width } = rows;
    this.tables.push(rows);
    this.#add('', OP_CODE.rows, { nr, args: [data, data.size / (width * WORD), width] });
  }

  /** Does the operations of another sequence, which ends with {@link end}, for each row of a table. */
  each(table: PlanTable, body: Sequence): void {
    const { data, width } = table;
    this.repeated.push(table);
    this.#add('', OP_CODE.each, { args: [data, data.size / width, width, body] });
  }

  /** Pulls what can be read of a file. `rows` has {@link PullRange}s, whose lengths become what was pulled. */
  preadRows(what: Words, fd: Argument, rows: PlanData): void {
    this.#add(what, OP_CODE.preadRows, { args: [fd, rows, rows.size / (PULL_WIDTH * WORD)] });
  }

  /** The options that a socket gets next (setsockopt(2)): those that follow each other are one operation. */
  optionsOf(socket: Descriptor): SocketOptionTable {
    const last = this.socketOptions.at(-1);
    if (last?.socket === socket && this.#optionsEnd === this.operations.length) return last;
    const options = new PlanSocketOptions(socket);
    this.socketOptions.push(options);
    this.#add('', OP_CODE.options, { args: [socket, options] });
    this.#optionsEnd = this.operations.length;
    return options;
  }

  /** Makes a new io_uring what another was: MVAS_OP_RING. */
  ring(what: Words, { fd, params, requests, rings, entries }: PlanRing): void {
    this.#add(what, OP_CODE.ring, { args: [fd, params, requests, rings, rings.size, entries] });
  }

  /** Maps a file, shared, where the kernel would not on request: MVAS_OP_MAP_AT. */
  mapAt(what: Words, at: bigint, { fd, length, protection, offset }: PlanMapping): void {
    const args = [fd, at, length, protection, offset];
    this.#add(what, OP_CODE.mapAt, { args, options: { expect: at } });
  }

  /** Stands still until the tracer, which sees a breakpoint, lets it go on. */
  stop(what: Words): void {
    this.#add(what, OP_CODE.stop, { args: [] });
  }

  /** Ends the plan (a holder answers; a restorer must not reach this). */
  end(): void {
    this.#add('end', OP_CODE.end, { args: [] });
  }

  #add(what: Words, code: number, parts: OperationParts): void {
    assertInvariant(parts.args.length <= 6, 'an operation has at most six arguments');
    this.operations.push(new Operation(what, code, parts));
  }
}

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
    if (row !== 0) return `${this.#describeRow(row) ?? ''}: ${this.#describe(offset)}`;
    const { name = '', operation } = this.#find(offset) ?? {};
    if (operation) return withName(name, operation.what);
    return (
      this.#describeRow(offset) ?? this.#describeOption(offset) ?? `operation at ${String(offset)}`
    );
  }

  /** An unexpected result need not be an errno: it may be a size or an address. */
  #explain(offset: number, result: bigint, row: number): string | undefined {
    const { expect, explain } = this.#find(offset)?.operation.options ?? {};
    const words = explain?.(result);
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
    for (const { name, tables, repeated } of this.#sequences) {
      const calls = tables.map((rows) => ({ ...rows, width: rows.width * WORD }));
      for (const { data, width, what } of [...calls, ...repeated]) {
        const at = offset - data.offset;
        if (at >= 0 && at < data.size) return `${name}: ${what(Math.floor(at / width))}`;
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

/** The words of a plan, and their halves. */
interface PlanWords {
  readonly words: BigUint64Array;
  readonly halves: Uint32Array;
}

/** Writes an operation from the `at`th word on; numbers are taken modulo 2^64. */
function writeOperation({ words, halves }: PlanWords, at: number, operation: Operation): void {
  const { code, nr, args, options } = operation;
  let flags = 0;
  let index = 0;
  for (const argument of args) {
    words[at + OP.args / WORD + index] = wordOf(argument);
    flags |= flagOf(argument, index++);
  }
  if (options.tolerate) flags |= OP_FLAG.tolerate;
  if (options.expect !== undefined) {
    flags |= options.expect instanceof RowWord ? OP_FLAG.rowExpect : OP_FLAG.expect;
    words[at + OP.expect / WORD] = wordOf(options.expect);
  }
  if (options.store) {
    flags |= OP_FLAG.store;
    words[at + OP.slot / WORD] = BigInt(options.store.index);
  }
  if (options.move !== undefined) {
    flags |= options.move instanceof RowWord ? OP_FLAG.move | OP_FLAG.rowMove : OP_FLAG.move;
    words[at + OP.slot / WORD] = wordOf(options.move);
  }
  halves[at * 2] = code;
  halves[at * 2 + 1] = flags;
  words[at + OP.nr / WORD] = BigInt(nr);
}

function wordOf(argument: Argument | Sequence): bigint {
  if (typeof argument === 'bigint') return argument;
  if (typeof argument === 'number') return BigInt(argument);
  if (argument === null) return 0n;
  if (argument instanceof Slot) return BigInt(argument.index);
  if (argument instanceof PlanPointer) return BigInt(argument.data.offset + argument.delta);
  if (argument instanceof RowWord || argument instanceof RowAddress) return BigInt(argument.at);
  const isPlaced = argument.offset >= 0;
  assertInvariant(isPlaced, 'an operation points to what belongs to another plan');
  return BigInt(argument.offset);
}

/** Says what an argument's word means: a slot or an offset. */
function flagOf(argument: Argument | Sequence, index: number): number {
  if (argument === null || typeof argument !== 'object') return 0;
  if (argument instanceof Slot) return OP_FLAG.slot(index);
  if (argument instanceof RowWord) return OP_FLAG.rowWord(index);
  if (argument instanceof RowAddress) return OP_FLAG.rowAddress(index);
  return argument instanceof Sequence ? 0 : OP_FLAG.offset(index);
}
