// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../../common/errors.js';
import { EINTR, SYS } from '../../../native/abi/index.js';
import type { UserX86RegsEntry } from '../../image/types.js';
import { reader } from '../../../native/structures.js';
import { instructionPointer, NO_CALL, REG, stackPointer } from './registers.js';

/*
 * A thread stopped inside a blocking system call shows the call's number in orig_ax and one of these
 * codes in ax; the kernel makes the call again when the thread resumes, or lets it return EINTR where
 * a handler runs first (arch/x86/kernel/signal.c). The first three carry over to another incarnation;
 * the last one depends on a restart block, which stays behind in the kernel: then the call is made
 * again with its original arguments, which are still in the registers.
 *
 * The image's registers are set to make the call again, for whoever knows no better; our own restore
 * puts the code back, so that the kernel decides about handlers as it would have.
 */
const ERESTARTNOHAND = 514;
const CODES: readonly number[] = [512, 513, ERESTARTNOHAND];
const ERESTART_RESTARTBLOCK = 516;

/** Calls that use a restart block (its users in kernel/, fs/select.c). */
const WITH_RESTART_BLOCK: readonly number[] = [
  SYS.poll,
  SYS.nanosleep,
  SYS.futex,
  SYS.clock_nanosleep,
];

/** Bytes of code before the call that are searched for its number. */
const CODE_WINDOW = 48;
/** `mov DISPLACEMENT(%rsp), %rax`: how glibc 2.41 and later make the calls that can be cancelled. */
const LOAD_FROM_STACK = [0x48, 0x8b, 0x44, 0x24];
const SYSCALL_LENGTH = 2n;

/** Reads memory of the thread; undefined where it cannot. */
export type ReadMemory = (address: bigint, length: number) => Uint8Array | undefined;

/** Registers for the image, and the code of an interrupted call. */
export interface RestartedRegisters {
  readonly registers: UserX86RegsEntry;
  readonly restart?: number;
}

/**
 * Works an interrupted system call out.
 *
 * @param read needed for a call that had been interrupted before (as by a freeze): it shows as
 *   restart_syscall(2), and its number only the code tells. EINTR is returned where it does not.
 */
export function resolveRestart(registers: UserX86RegsEntry, read: ReadMemory): RestartedRegisters {
  const code = restartCode(registers.orig_ax, registers.ax);
  if (code === undefined) return { registers };
  if (code !== ERESTART_RESTARTBLOCK) return again(registers, registers.orig_ax, code);
  const number = callNumber(registers.orig_ax, { ip: registers.ip, sp: registers.sp }, read);
  if (number !== undefined) return again(registers, BigInt(number), ERESTARTNOHAND);
  return { registers: { ...registers, ax: BigInt.asUintN(64, -EINTR), orig_ax: NO_CALL } };
}

/**
 * Registers as words, with the restart of an interrupted system call worked out, as the kernel does it when a
 * task resumes (arch/x86/kernel/signal.c). A call with a restart block is made again from its
 * beginning (`blocked`: its number), since rt_sigreturn forgets the block: a sleep may last longer, but
 * is not cut short. Where its number is not known it returns EINTR.
 */
export function withRestart(registers: BigUint64Array, blocked?: number): BigUint64Array {
  const result = registers.slice();
  const call = registers[REG.orig_ax] ?? 0n;
  const code = restartCode(call, registers[REG.ax] ?? 0n);
  if (code === undefined) return result;
  const number = BigInt(blocked ?? SYS.restart_syscall);
  result[REG.ax] = code === ERESTART_RESTARTBLOCK ? number : call;
  result[REG.ip] = instructionPointer(registers) - SYSCALL_LENGTH;
  return result;
}

/**
 * The call that ERESTART_RESTARTBLOCK interrupted; undefined where neither orig_ax nor the code before it
 * tells. `read` as for {@link resolveRestart}.
 */
export function interruptedCall(registers: BigUint64Array, read: ReadMemory): number | undefined {
  const at = { ip: instructionPointer(registers), sp: stackPointer(registers) };
  return callNumber(registers[REG.orig_ax] ?? 0n, at, read);
}

/** Registers a tracer sets, from those of an image: exact inverse of {@link resolveRestart}. */
export function finalRegisters(registers: UserX86RegsEntry, restart?: number): UserX86RegsEntry {
  if (restart === undefined) return { ...registers, orig_ax: NO_CALL };
  if (!CODES.includes(restart)) badImage(`restart code ${String(restart)}`);
  return {
    ...registers,
    ax: BigInt.asUintN(64, -BigInt(restart)),
    ip: BigInt.asUintN(64, registers.ip + SYSCALL_LENGTH),
  };
}

/** The code that a call was interrupted with; undefined of a thread in none, or in one that was not. */
function restartCode(call: bigint, result: bigint): number | undefined {
  if (BigInt.asIntN(64, call) < 0n) return undefined;
  const code = Number(-BigInt.asIntN(64, result));
  return CODES.includes(code) || code === ERESTART_RESTARTBLOCK ? code : undefined;
}

function callNumber(
  call: bigint,
  { ip, sp }: { readonly ip: bigint; readonly sp: bigint },
  read: ReadMemory,
): number | undefined {
  if (call !== BigInt(SYS.restart_syscall)) return Number(BigInt.asIntN(64, call));
  const code = read(ip - SYSCALL_LENGTH - BigInt(CODE_WINDOW), CODE_WINDOW);
  if (code === undefined) return undefined;
  const load = code.subarray(-LOAD_FROM_STACK.length - 1);
  if (!LOAD_FROM_STACK.every((byte, index) => load[index] === byte)) return findCallNumber(code);
  const word = read(sp + BigInt.asIntN(8, BigInt(load.at(-1) ?? 0)), 8);
  return word && restartable(Number(reader(word).readBigUInt64LE(0)));
}

function restartable(number: number): number | undefined {
  return WITH_RESTART_BLOCK.includes(number) ? number : undefined;
}

function again(registers: UserX86RegsEntry, call: bigint, restart: number): RestartedRegisters {
  const ip = BigInt.asUintN(64, registers.ip - SYSCALL_LENGTH);
  return { registers: { ...registers, ax: call, orig_ax: call, ip }, restart };
}

/** The number in the last `mov $number, %eax` of code that ends at a `syscall`. */
function findCallNumber(code: Uint8Array): number | undefined {
  for (let at = code.length - 5; at >= 0; at--) {
    const isMove =
      code[at] === 0xb8 && (code[at + 2] ?? 1) < 2 && code[at + 3] === 0 && code[at + 4] === 0;
    if (!isMove) continue;
    const number = (code[at + 1] ?? 0) + (code[at + 2] ?? 0) * 256;
    return restartable(number);
  }
  return undefined;
}
