// SPDX-License-Identifier: Apache-2.0
import { createRequire } from 'node:module';
import { fileOfCheckout } from '../common/checkout.js';
import type { HostPid, HostTid } from '../common/ids.js';
import type { FoundForms } from '../common/wire/forms.js';
import type { FoundRows } from '../common/wire/rows.js';
import type { AreaTable } from './area-table.js';

/**
 * The only loader of the addon, and its types. There is no policy below this border: results are numbers,
 * errors are `-errno`, and callers put them into words.
 */

/** An argument of a raw system call; typed arrays are passed by address, `null` is 0. */
export type SyscallArgument = number | bigint | Uint8Array | BigUint64Array | BigInt64Array | null;

/** What {@link Tracer.readThreads} reads from a stopped thread without running anything in it. */
export interface ThreadState {
  /** 0, or `-errno` of the first ptrace request that failed. */
  readonly error: number;
  /** General registers, as ptrace has them (NT_PRSTATUS). */
  readonly registers: Uint8Array;
  /** Extended state as the kernel gave it; with the rights to memory with protection keys that a program begins with, if it has not run yet. */
  readonly xstate: Uint8Array;
  readonly signalMask: bigint;
  /** Whether its system calls go to a handler of its own: PR_SET_SYSCALL_USER_DISPATCH of prctl(2). */
  readonly hasUserDispatch: boolean;
  /** `struct ptrace_rseq_configuration`; empty before Linux 5.13. */
  readonly rseq: Uint8Array;
  /** Queued `siginfo_t`s of 128 bytes each: the thread's own, and its process's. */
  readonly privateSignals: Uint8Array;
  readonly sharedSignals: Uint8Array;
}

/** What {@link Tracer.gather} saw. */
export interface Gathering {
  /**
   * 0; -110 (ETIMEDOUT); -71 (EPROTO): `culprit` stopped in an unexpected way; -10 (ECHILD): it has died, and
   * has not been reaped yet.
   */
  readonly error: number;
  readonly stopped: Int32Array;
  readonly culprit: HostTid;
  readonly culpritStatus: number;
  readonly culpritIp: bigint;
}

/**
 * A tracing session in a process of its own that shares our memory and dies with us. When it is closed,
 * or dies, the kernel releases all tracees (ptrace(2)); those with PTRACE_O_EXITKILL die.
 */
export interface Tracer {
  /**
   * PTRACE_SEIZE with options, then INTERRUPT, of each thread: pairs of tid and 0 or -errno. If job
   * control has stopped a thread in a frozen cgroup of version 1, does not return before the cgroup is
   * thawed.
   */
  seize(tids: Int32Array, options: number): Promise<Int32Array>;
  /** Waits until all have stopped: pairs of tid and wait status, or -errno; includes new threads. */
  waitStops(tids: Int32Array, timeoutMs: number): Promise<Int32Array>;
  readThreads(tids: Int32Array): Promise<ThreadState[]>;
  /** Sets registers, and xstate and signal mask unless null. 0 or -errno. */
  writeThread(
    tid: HostTid,
    registers: Uint8Array,
    xstate: Uint8Array | null,
    signalMask: bigint | null,
  ): Promise<number>;
  /** Sets registers, which lead the thread home if we are killed, then blocks all signals. 0 or -errno. */
  settle(tid: HostTid, registers: Uint8Array): Promise<number>;
  /**
   * Makes system calls inside a stopped thread by the system call instruction at an address, with a
   * stack pointer (0n: as it is). `calls` has 7 words for each: number and arguments. Resolves with
   * 0 or -errno of the tracing, then the results so far. Leaves the thread's registers changed.
   */
  remoteCalls(
    tid: HostTid,
    instruction: bigint,
    stack: bigint,
    calls: BigUint64Array,
  ): Promise<BigInt64Array>;
  /**
   * Makes system calls inside a stopped thread that blocks all signals, by code in it that makes the calls of a
   * table and ends in a breakpoint; the table is filled here. Afterwards the thread is as it was, even if we are
   * killed meanwhile. Its process must not ignore SIGTRAP, nor have one pending.
   */
  batchCalls(
    tid: HostTid,
    code: bigint,
    table: bigint,
    calls: BigUint64Array,
  ): Promise<BigInt64Array>;
  /**
   * The same in many threads, each of another process, one after the other. A thread's calls may write to a room in memory
   * that we have mapped there.
   *
   * @param sites four words for each thread: code, table, the room's address, and how many words it has
   * @param counts how many calls each makes
   * @param calls those of all threads
   * @returns for each thread 0 or -errno, as many results as it has calls, and its room
   */
  batchMany(
    tids: Int32Array,
    sites: BigUint64Array,
    counts: Int32Array,
    calls: BigUint64Array,
  ): Promise<BigInt64Array>;
  /**
   * Like {@link remoteCalls}, on the stack as it is and with all signals blocked; then gives the thread
   * `registers` and `signalMask` at once, even if we are killed meanwhile.
   */
  exposedCalls(
    tid: HostTid,
    instruction: bigint,
    registers: Uint8Array,
    signalMask: bigint,
    calls: BigUint64Array,
  ): Promise<BigInt64Array>;
  /**
   * Maps memory of ours into processes, fills it and sends their threads there (native/src/residence.h, which describes the
   * words).
   *
   * @param bytes what is written there
   * @returns for each process 0 or -errno, the address or why there is none (a result of mmap(2)), and the result of the last call
   */
  moveIn(words: BigUint64Array, bytes: Uint8Array): Promise<BigInt64Array>;
  /**
   * Has a stopped thread that blocks all signals make a twin of its process, a copy-on-write child (see
   * native/src/twins.h). `code` makes its call, then leads the thread home and a child to `end`, which exits.
   *
   * @param options further PTRACE_O_* of the twin
   * @param calls the one that makes the twin, then those that the twin makes; each must succeed
   * @returns 0 or -errno, the twin's pid (0: there never was one), and its pid in its own namespace. After an error
   * what there is of it is to be ended.
   */
  makeTwin(
    tid: HostTid,
    code: bigint,
    end: bigint,
    stack: bigint,
    options: number,
    calls: BigUint64Array,
  ): Promise<BigInt64Array>;
  /**
   * Kills twins and waits until they are dead. A process that reaps none of its children without __WALL keeps each
   * as a zombie (wait(2)). 0 or -errno.
   */
  endTwins(pids: Int32Array): Promise<number>;
  /** PTRACE_DETACH of each, with a SIGSTOP that came during remote calls; those that have died are reaped: pairs of tid and 0 or -errno. */
  detach(tids: Int32Array): Promise<Int32Array>;
  /**
   * Continues threads until `expected` of them and of those they create are at a breakpoint. Only `mortal`
   * ones may die.
   */
  gather(
    running: Int32Array,
    expected: number,
    mortal: Int32Array,
    timeoutMs: number,
  ): Promise<Gathering>;
  /** Any other ptrace request of the session: its result or -errno. */
  request(
    request: number,
    tid: HostTid,
    address: SyscallArgument,
    data: SyscallArgument,
  ): Promise<number>;
  /**
   * Reports that the main thread of this process is alive. If it neither reports nor uses processor time for
   * this many milliseconds, or a call of {@link exposedCalls} takes ten seconds, all tracees are released as at
   * our death. 0 means no limit.
   *
   * @returns false once that has happened: from then on every request fails
   */
  watch(limitMs: number): boolean;
  /** Ends the session once its queue is empty. */
  close(): void;
}

/**
 * Copies between descriptors on a thread of its own, by epoll(7) and splice(2): no copied data enters
 * JavaScript, and a full output holds up only its own input.
 */
export interface Pump {
  /**
   * Takes both descriptors, makes them non-blocking, and copies until the input ends or either side
   * fails; then closes them. Returns the copy's number, above 0; or `-errno`, having taken nothing.
   * `text`: tells when it comes to this, which is not empty.
   */
  start(from: number, to: number, text?: string): number;
  /** Ends a copy at once and closes its descriptors; what was not written is lost. Does not call `ended`. */
  stop(id: number): void;
}

/**
 * Reports when descriptors that Node cannot wait for (eventfds) become readable, on a thread of its own:
 * calls back with the descriptor each time something was written, and reads nothing.
 */
export interface FdWatch {
  /** 0 or `-errno`. The descriptor stays the caller's, and stays open until {@link remove}. */
  add(fd: number): number;
  remove(fd: number): number;
}

/**
 * Keeps the memory of processes in place when they end: so their files are closed and they are reaped without waiting until it
 * is freed. The kernel frees it on other threads of ours once it is let go, or when this process ends.
 */
export interface MemoryHold {
  /**
   * Holds the memory of one more process, 16 at most. 0 or `-errno`: ESRCH if it is ending, EPERM or ENOSYS without userfaultfd(2).
   */
  add(pid: HostPid): number;
  /** Lets go of all of it, once and for all; does not wait. */
  letGo(): void;
}

/** The result of readDescriptors. */
export interface DescriptorTexts {
  /**
   * Six numbers for each descriptor, in order: its own, that of our copy, where in `text` its link and its fdinfo end
   * (each of these begins where the one before it ends), whether its file may have an owner, and the file's flags.
   */
  readonly numbers: Int32Array;
  readonly text: Uint8Array;
}

/** The result of readOptions. */
export interface OptionRecords {
  /** The number of the record that each socket has; equal ones share one. */
  readonly kinds: Int32Array;
  /**
   * Records, one behind the other: the size of each value as an int, or `-errno`, then the values, each in its room. What they
   * do not fill is zero.
   */
  readonly records: Buffer;
}

/** Ints of a row of lookAtSockets. */
export const LOOK_SIZE = 80;

/** The result of readBelow. */
export interface TextsBelow {
  /**
   * For each directory 0 or `-errno`, and where in `text` it begins; then, for each file and for each link of it, 0 or
   * `-errno`, and where it ends, which is where the next one begins.
   */
  readonly results: Int32Array;
  readonly text: Buffer;
}

interface Addon {
  /**
   * One raw system call on the calling thread; never a blocking one. Returns its result (exact up to
   * 2^53) or `-errno`. A pointer inside a buffer is made with {@link addressOf}.
   */
  readonly syscall: (nr: number, ...args: SyscallArgument[]) => number;
  /** Where a typed array's bytes lie; valid while the array is alive. For pointers inside structures. */
  readonly addressOf: (array: Uint8Array) => bigint;
  /**
   * Where the rights of a thread to memory with protection keys (PKRU) lie in its extended state, in bytes; 0 on processors
   * without keys.
   */
  readonly rightsOffset: () => number;
  /**
   * The open descriptors of a process, each copied (pidfd_getfd(2), Linux 5.6), with its link in /proc/PID/fd and its
   * text in /proc/PID/fdinfo. The copies are the caller's. On failure `-errno`, and nothing is open.
   */
  readonly readDescriptors: (pid: HostPid) => DescriptorTexts | number;
  /** The areas of memory in a file like /proc/PID/smaps, or /proc/PID/maps; `-errno` if it cannot be read. */
  readonly readAreas: (path: string, hasDetails: boolean) => AreaTable | number;
  /** The same from the text of such a file. */
  readonly parseAreas: (text: Uint8Array) => AreaTable;
  /**
   * `FormReader` of `common/wire`. `list` has from, end and most; `forms` the two cells of the payload, or -1, then of
   * each form how many steps it has, and each step: code, tag, least, most and 1 if it is required; of constant bytes
   * `least` is where they are, and `most` their length.
   */
  readonly readForms: (
    bytes: Uint8Array,
    list: Float64Array,
    forms: Float64Array,
    constants: Uint8Array,
  ) => FoundForms;
  /** `readRows` of `common/wire`. `list` has from, end, tag and most; `fields` tag, least, most and 1 if it is required, of each. There may be room for more rows. */
  readonly readRows: (bytes: Uint8Array, list: Float64Array, fields: Float64Array) => FoundRows;
  /**
   * Looks among the first `count` of our descriptors, in the order of kcmp(2), for one on the same open file as
   * another. Returns 1, and in `place` where it is; 0, and where it would be; or `-errno`.
   */
  readonly findOpenFile: (
    sorted: Int32Array,
    count: number,
    fd: number,
    place: Int32Array,
  ) => number;
  /**
   * Looks up a path, a C string, below a directory, and fills in the `struct stat` of what is there. `how` is a
   * `struct open_how` of openat2(2). 0 or `-errno`.
   */
  readonly statBelow: (
    directory: number,
    path: Uint8Array,
    how: Uint8Array,
    stat: Uint8Array,
  ) => number;
  /**
   * Reads options of sockets (getsockopt(2)), on two threads if there are many: `names` has the level, the name and the
   * room of each, in bytes.
   */
  readonly readOptions: (sockets: Int32Array, names: Int32Array) => OptionRecords;
  /**
   * What the kernel tells of sockets of the internet, for each {@link LOOK_SIZE} ints: results of getsockname(2) and
   * getpeername(2), 0 or `-errno`; bytes to read (FIONREAD) or `-errno`; events of poll(2); size of TCP_INFO or
   * `-errno`; three zeros. Then, from ints 8, 16 and 24 on, the two addresses, and TCP_INFO. TCP_INFO is asked first, then
   * poll(2), and FIONREAD last.
   */
  readonly lookAtSockets: (sockets: Int32Array) => Int32Array<ArrayBuffer>;
  /**
   * Copies all messages of a POSIX message queue that nobody else uses: takes them out and puts them back, even if we
   * are killed meanwhile. `data` gets them one behind the other, and has room for one of the largest size more;
   * `sizes` gets the size and the priority of each. Returns their number, or -errno; -5 (EIO): some are lost.
   */
  readonly copyMessages: (queue: number, data: Uint8Array, sizes: Uint32Array) => number;
  /**
   * Reads whole files, and the targets of links, by their paths below directories such as /proc/PID. If there are many
   * of these, another thread reads as well.
   */
  readonly readBelow: (
    directories: readonly string[],
    files: readonly string[],
    links: readonly string[],
  ) => TextsBelow;
  readonly MemoryHold: new () => MemoryHold;
  readonly FdWatch: new (onReadable: (fd: number) => void) => FdWatch;
  /**
   * fork(2) of this process: returns 0 in the copy, which goes on from here with all memory,
   * descriptors and handles of the event loop, and a positive number (or -errno) in the original. The
   * copy is in a session of its own and nobody's child; `process.pid` is the original's. It has no other
   * threads: what ran on one never ends there. Call it outside the loop's poll phase, as in a
   * `setImmediate`, while nothing is in progress, and with V8 told to do without threads.
   */
  readonly forkAway: () => number;
  /**
   * posix_spawnp(3): starts a program as a child that Node knows nothing of. `fds` become its descriptors from 0 on, -1
   * stands for /dev/null. A daemon is in a session of its own, and in `/`. Returns its pid or -errno.
   */
  readonly spawn: (
    argv: readonly string[],
    env: readonly string[],
    fds: readonly number[],
    isDaemon: boolean,
  ) => number;
  /**
   * Has a copy of this process (fork(2)) do some work that waits for nothing, and write what that returns into a pipe. The copy
   * has none of our descriptors but the first three, and ends with its answer, or with us. Returns its pid, of which the
   * caller takes leave (wait4(2)), and the end of the pipe, or -errno. V8 has to do without threads.
   */
  readonly askCopy: (work: () => string) => readonly [pid: number, answer: number] | number;
  /**
   * Creates new files (0600) in the directory behind a descriptor, each with its content, in one job of
   * a worker thread. Resolves with how many are complete, and with 0 or the `-errno` that stopped it at
   * the next one, which may have been created. Nobody may change the contents meanwhile.
   */
  readonly writeFiles: (
    directory: number,
    names: readonly string[],
    contents: readonly Uint8Array[],
  ) => Promise<Int32Array>;
  /**
   * Writes the pid of this process into an existing file, `cgroup.procs` of a cgroup that it is in, at once and then again and again,
   * in a thread of its own. Ends when it has done so as often, when it fails, and when /proc/self/cgroup no longer has the text
   * `membership`. Returns a function that ends that, or `-errno` if it cannot begin.
   */
  readonly keepMoving: (
    file: string,
    membership: string,
    everyMs: number,
    times: number,
  ) => (() => void) | number;
  /**
   * Writes a text into existing files, one after the other, in one job of a worker thread. Resolves with how many were written to,
   * and with 0 or the `-errno` that stopped it at the next one.
   */
  readonly writeToEach: (files: readonly string[], text: string) => Promise<Int32Array>;
  /**
   * Makes a user namespace without processes; `users` and `groups` are the texts of its uid_map and gid_map. Returns a
   * descriptor of it, which is the caller's and closes on exec, or `-errno`.
   */
  readonly userNamespace: (users: string, groups: string) => number;
  readonly Tracer: new () => Tracer;
  /** Calls `tell` for each copy that ends by itself, or has come to its text. Does not keep the process alive. */
  readonly Pump: new (tell: (id: number, hasEnded: boolean) => void) => Pump;
}

/** Path of a file that the native build makes. */
export function builtFile(name: string): string {
  return fileOfCheckout(`native/build/${name}`);
}

const addon = createRequire(import.meta.url)(builtFile('mvas.node')) as Addon;

export const {
  syscall,
  addressOf,
  rightsOffset,
  readDescriptors,
  findOpenFile,
  statBelow,
  readOptions,
  lookAtSockets,
  copyMessages,
  readAreas,
  parseAreas,
  readBelow,
  readForms,
  readRows,
  writeFiles,
  keepMoving,
  writeToEach,
  askCopy,
  forkAway,
  spawn,
  userNamespace,
  FdWatch,
  MemoryHold,
  Tracer,
  Pump,
} = addon;
