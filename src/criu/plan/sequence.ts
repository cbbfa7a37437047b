// SPDX-License-Identifier: Apache-2.0
import { orNoId } from './or-no-id.js';
import { assertInvariant } from '../../common/errors.js';
import type { NsPid, NsTid } from '../../common/ids.js';
import { SIGCHLD } from '../../native/abi/index.js';
import { OP_CODE, WORD } from './abi.js';
import type { Descriptor, RowAddress, RowWord } from './row.js';
import { PlanSocketOptions, type SocketOptionTable } from './socket-options.js';
import type { Argument, OpOptions, PlanData, Words } from './values.js';

/** How a child is forked: further clone flags, and the signal that its parent gets when it exits. */
export interface ForkOptions {
  readonly flags?: number;
  readonly exitSignal?: number;
}

/** A child that is forked. */
export interface Forked extends ForkOptions {
  readonly pid: NsPid;
  readonly sequence: Sequence;
  /** The end of its stack: {@link PlanBuilder.stackEnd}. */
  readonly stackEnd: Argument;
}

/** The address that pulled bytes go to, the address or file offset they come from, and their number. */
export type PullRange = readonly [to: bigint, from: bigint, length: bigint];

/** How {@link Sequence.open} opens a path. */
export interface OpenPath {
  readonly directory: Argument;
  /** A C string. */
  readonly path: PlanData | RowWord;
  /** `struct open_how` of openat2(2). */
  readonly how: PlanData;
  /** The number that the descriptor gets. */
  readonly number: Descriptor;
  /** Flags that it gets once it is open (F_SETFL); null to keep those it was opened with. */
  readonly flags: number | null;
  /** Where to store its `struct stat`. */
  readonly stat: PlanData | RowAddress | null;
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
  /** Words for the failure of what is done for a row; see {@link Explain}. */
  readonly explain?: (row: number, result: bigint) => string | undefined;
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

/** What {@link Sequence.fill} fills shared memory with; `file` need not be open. */
export interface PlanFilling {
  readonly from: bigint;
  readonly length: bigint;
  readonly file: Argument;
  readonly offset: bigint;
}

/** A VAS of the kernel, and the descriptor it is read by. */
export interface KernelImage {
  readonly device: Argument;
  readonly id: number;
}

/** The child is traced as its parent is, which does not stop for that as it would by PTRACE_O_TRACEFORK (clone(2)). */
const CLONE_PTRACE = 0x2000;
/** Words of a {@link PullRange}. */
const PULL_WIDTH = 3;
const NO_OPTIONS: OpOptions = {};

/** An operation, and the words that say what it was meant to do. */
export class Operation {
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

  /** Forks a child with a pid and a stack (its end), which goes on with a sequence of its own. */
  fork(what: Words, { pid, sequence, stackEnd, flags, exitSignal }: Forked): void {
    const args = [pid, sequence, (flags ?? 0) | CLONE_PTRACE, exitSignal ?? SIGCHLD, stackEnd];
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
  open(what: string, path: OpenPath): void {
    const { directory, path: name, how, number, flags, stat } = path;
    const args = [directory, name, how, number, flags ?? -1, stat];
    this.#add(what, OP_CODE.open, { args });
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

  /** Fills shared memory through its file, or by copying where that is not possible: MVAS_OP_FILL. */
  fill(what: Words, to: bigint, { from, length, file, offset }: PlanFilling): void {
    this.#add(what, OP_CODE.fill, { args: [to, from, length, file, offset] });
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
