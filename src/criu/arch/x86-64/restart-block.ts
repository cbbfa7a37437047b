// SPDX-License-Identifier: Apache-2.0
import { SYS } from '../../../native/abi/index.js';
import { reader } from '../../../native/structures.js';
import type { UserX86RegsEntry } from '../../image/types.js';

/*
 * Four calls keep a restart block in the kernel (kernel/time, fs/select.c, kernel/futex): once interrupted, they go
 * on as restart_syscall(2), and nothing shows their number any more. wchan does not distinguish nanosleep from
 * clock_nanosleep, and often shows neither. What is left in user space does: the code before the call, or else the
 * arguments, which are still in the registers. Each call's arguments are checked as strictly as its kernel code and
 * its interruption permit. All four only wait.
 */

/** Reads memory of the thread; undefined if that is not possible. */
export type ReadMemory = (address: bigint, length: number) => Uint8Array | undefined;

/** Bytes of code before the call that are searched for its number. */
const CODE_WINDOW = 48;
/** `mov DISPLACEMENT(%rsp), %rax`: how glibc 2.41 and later make calls that can be cancelled. */
const LOAD_FROM_STACK = [0x48, 0x8b, 0x44, 0x24];

const TIMESPEC_SIZE = 16;
const NSEC_PER_SEC = 1_000_000_000n;
/** A nanosleep of more seconds than this cannot be told from other bytes at its address. */
const LONGEST_SLEEP = 2n ** 31n;
const POLLFD_SIZE = 8;
const MOST_POLLED = 2n ** 16n;
const INT_MAX = 2n ** 31n - 1n;

/** Clocks with a sleep of their own: include/uapi/linux/time.h. */
const CLOCKS: readonly bigint[] = [0n, 1n, 2n, 7n, 8n, 9n, 11n];
/** Low bits of the id of a clock that is a descriptor; the others below zero are of CPUs. */
const CLOCK_OF_DESCRIPTOR = 3n;

const FUTEX_WAIT = 0n;
const FUTEX_WAIT_BITSET = 9n;
/** FUTEX_PRIVATE_FLAG and FUTEX_CLOCK_REALTIME. */
const FUTEX_FLAGS = 128n | 256n;

type Fits = (registers: UserX86RegsEntry, read: ReadMemory) => boolean;

/** Calls with a restart block, and whether given arguments can be theirs. */
const CALLS: ReadonlyMap<number, Fits> = new Map([
  [SYS.poll, isPoll],
  [SYS.nanosleep, isNanosleep],
  [SYS.futex, isFutexWait],
  [SYS.clock_nanosleep, isClockNanosleep],
]);

/** Whether a call of this number may have a restart block. */
export function hasRestartBlock(number: number): boolean {
  return CALLS.has(number);
}

/**
 * The number of the call that a thread restarts by restart_syscall(2).
 *
 * @param end where the code before its `syscall` instruction ends
 * @returns undefined if neither the code nor the arguments tell
 */
export function findRestartedCall(
  registers: UserX86RegsEntry,
  end: bigint,
  read: ReadMemory,
): number | undefined {
  return numberByCode(registers.sp, end, read) ?? numberByArguments(registers, read);
}

function numberByCode(sp: bigint, end: bigint, read: ReadMemory): number | undefined {
  const code = read(end - BigInt(CODE_WINDOW), CODE_WINDOW);
  if (code === undefined) return undefined;
  const load = code.subarray(-LOAD_FROM_STACK.length - 1);
  const isLoaded = LOAD_FROM_STACK.every((byte, index) => load[index] === byte);
  const number = isLoaded ? loadedNumber(sp, load.at(-1) ?? 0, read) : movedNumber(code);
  return number !== undefined && hasRestartBlock(number) ? number : undefined;
}

function loadedNumber(sp: bigint, displacement: number, read: ReadMemory): number | undefined {
  const word = read(sp + BigInt.asIntN(8, BigInt(displacement)), 8);
  return word && Number(reader(word).readBigUInt64LE(0));
}

/** The number in the last `mov $number, %eax` of code that ends at a `syscall`. */
function movedNumber(code: Uint8Array): number | undefined {
  for (let at = code.length - 5; at >= 0; at--) {
    const isMove =
      code[at] === 0xb8 && (code[at + 2] ?? 1) < 2 && code[at + 3] === 0 && code[at + 4] === 0;
    if (isMove) return (code[at + 1] ?? 0) + (code[at + 2] ?? 0) * 256;
  }
  return undefined;
}

/**
 * The only call that the arguments fit. The arguments of a futex are a much stronger sign than those of the others,
 * which the bytes around its word may resemble.
 */
function numberByArguments(registers: UserX86RegsEntry, read: ReadMemory): number | undefined {
  if (isFutexWait(registers, read)) return SYS.futex;
  const fitting = [...CALLS].filter(([, fits]) => fits(registers, read));
  return fitting.length === 1 ? fitting[0]?.[0] : undefined;
}

/** The kernel has stored the remaining time in the second argument, if there is one. */
function isNanosleep({ di, si }: UserX86RegsEntry, read: ReadMemory): boolean {
  const seconds = readSeconds(di, read);
  if (seconds === undefined || seconds >= LONGEST_SLEEP) return false;
  return si === 0n || readSeconds(si, read) !== undefined;
}

/** Relative: with TIMER_ABSTIME there is no restart block. */
function isClockNanosleep({ di, si, dx, r10 }: UserX86RegsEntry, read: ReadMemory): boolean {
  if (si !== 0n || !isSleepClock(di) || readSeconds(dx, read) === undefined) return false;
  return r10 === 0n || readSeconds(r10, read) !== undefined;
}

/** With a timeout. If the word has changed, the call would return, by EAGAIN as well as by EINTR. */
function isFutexWait(registers: UserX86RegsEntry, read: ReadMemory): boolean {
  const { di, si, dx, r10, r9 } = registers;
  const operation = si & ~FUTEX_FLAGS;
  const isWait =
    operation === FUTEX_WAIT || (operation === FUTEX_WAIT_BITSET && BigInt.asUintN(32, r9) !== 0n);
  if (!isWait || di % 4n !== 0n || readSeconds(r10, read) === undefined) return false;
  const word = read(di, 4);
  return word !== undefined && BigInt(reader(word).readUInt32LE(0)) === BigInt.asUintN(32, dx);
}

/**
 * With a timeout. An interruption has cleared all revents. An empty set must have no address, and a timeout that is
 * not the address of a time, since that would be a clock_nanosleep by CLOCK_REALTIME.
 */
function isPoll({ di, si, dx }: UserX86RegsEntry, read: ReadMemory): boolean {
  if (dx === 0n || dx > INT_MAX || si > MOST_POLLED) return false;
  if (si === 0n) return di === 0n && readSeconds(dx, read) === undefined;
  const set = read(di, Number(si) * POLLFD_SIZE);
  if (set === undefined) return false;
  const view = reader(set);
  let events = 0;
  for (let at = 0; at < view.length; at += POLLFD_SIZE) {
    if (view.readUInt16LE(at + 6) !== 0) return false;
    events |= view.readUInt16LE(at + 4);
  }
  return events !== 0;
}

function isSleepClock(argument: bigint): boolean {
  const clock = BigInt.asIntN(32, argument);
  const isPlain = argument === BigInt.asUintN(32, clock) || argument === BigInt.asUintN(64, clock);
  if (!isPlain) return false;
  return clock < 0n
    ? (clock & CLOCK_OF_DESCRIPTOR) !== CLOCK_OF_DESCRIPTOR
    : CLOCKS.includes(clock);
}

/** The seconds of a `struct timespec` that is valid and not zero. */
function readSeconds(address: bigint, read: ReadMemory): bigint | undefined {
  const bytes = read(address, TIMESPEC_SIZE);
  if (bytes === undefined) return undefined;
  const seconds = reader(bytes).readBigInt64LE(0);
  const nanoseconds = reader(bytes).readBigUInt64LE(8);
  const isValid = seconds >= 0n && nanoseconds < NSEC_PER_SEC && seconds + nanoseconds > 0n;
  return isValid ? seconds : undefined;
}
