// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../../common/errors.js';
import { EINTR, SYS } from '../../../native/abi/index.js';
import type { UserX86RegsEntry } from '../../image/types.js';
import { decodeWords, instructionPointer, NO_CALL, REG } from './registers.js';
import { findRestartedCall, hasRestartBlock, type ReadMemory } from './restart-block.js';

/*
 * A thread stopped inside a blocking system call shows the call's number in orig_ax and one of these codes in ax.
 * The kernel restarts the call when the thread resumes, or lets it return EINTR if a handler runs first
 * (arch/x86/kernel/signal.c). The first three codes remain valid after a restore. The last one depends on a restart
 * block, which stays behind in the kernel: then the call is restarted with its original arguments, which are still
 * in the registers.
 *
 * The image's registers are set to restart the call, for readers that do no more; our own restore puts the code
 * back, so that the kernel decides about handlers as it would have.
 */
const ERESTARTNOHAND = 514;
const CODES: readonly number[] = [512, 513, ERESTARTNOHAND];
const ERESTART_RESTARTBLOCK = 516;

/** The `syscall` instruction. */
const SYSCALL = [0x0f, 0x05];
const SYSCALL_LENGTH = BigInt(SYSCALL.length);

/** Registers for the image, and the code of an interrupted call. */
export interface RestartedRegisters {
  readonly registers: UserX86RegsEntry;
  readonly restart?: number;
  /** The call returns EINTR, because its number is lost. */
  readonly isCut?: true;
}

/** A call with a restart block; its number is undefined if nothing tells it. */
interface BlockedCall {
  /** The address of its `syscall` instruction. */
  readonly at: bigint;
  readonly number: number | undefined;
}

/**
 * Finds out about an interrupted system call.
 *
 * @param read needed for a call that had been interrupted before (as by a freeze): it shows as restart_syscall(2).
 * If its number cannot be found, the call returns EINTR.
 */
export function resolveRestart(registers: UserX86RegsEntry, read: ReadMemory): RestartedRegisters {
  const blocked = blockedCall(registers, read);
  if (blocked) return resolveBlocked(registers, blocked);
  const code = restartCode(registers.orig_ax, registers.ax);
  if (code === undefined) return { registers };
  return again(registers, registers.ip - SYSCALL_LENGTH, registers.orig_ax, code);
}

function resolveBlocked(
  registers: UserX86RegsEntry,
  { at, number }: BlockedCall,
): RestartedRegisters {
  if (number !== undefined) return again(registers, at, BigInt(number), ERESTARTNOHAND);
  const ip = BigInt.asUintN(64, at + SYSCALL_LENGTH);
  const returned = { ...registers, ip, ax: BigInt.asUintN(64, -EINTR), orig_ax: NO_CALL };
  return { registers: returned, isCut: true };
}

/**
 * Registers as words, with the restart of an interrupted system call applied, as the kernel does it when a task
 * resumes (arch/x86/kernel/signal.c). A call with a restart block is restarted from its beginning (`blocked`: its
 * number), since rt_sigreturn forgets the block: a sleep may last longer, but is not cut short. If its number is
 * unknown, it returns EINTR. `blocked` comes from {@link interruptedCall}.
 */
export function withRestart(registers: BigUint64Array, blocked?: number): BigUint64Array {
  const result = registers.slice();
  const call = registers[REG.orig_ax] ?? 0n;
  const code = restartCode(call, registers[REG.ax] ?? 0n);
  if (code === undefined) {
    if (blocked !== undefined) result[REG.ax] = BigInt(blocked);
    return result;
  }
  const number = BigInt(blocked ?? SYS.restart_syscall);
  result[REG.ax] = code === ERESTART_RESTARTBLOCK ? number : call;
  result[REG.ip] = instructionPointer(registers) - SYSCALL_LENGTH;
  return result;
}

/**
 * The number of the call with a restart block that a thread is in, or about to restart; undefined for others, and
 * if nothing tells it. `read` as for {@link resolveRestart}.
 */
export function interruptedCall(registers: BigUint64Array, read: ReadMemory): number | undefined {
  const ax = registers[REG.ax] ?? 0n;
  const isCandidate =
    ax === BigInt(SYS.restart_syscall) || BigInt.asIntN(64, ax) === BigInt(-ERESTART_RESTARTBLOCK);
  return isCandidate ? blockedCall(decodeWords(registers), read)?.number : undefined;
}

/** Registers that a tracer sets, from those of an image: the exact inverse of {@link resolveRestart}. */
export function finalRegisters(registers: UserX86RegsEntry, restart?: number): UserX86RegsEntry {
  if (restart === undefined) return { ...registers, orig_ax: NO_CALL };
  if (!CODES.includes(restart)) badImage(`restart code ${String(restart)}`);
  return {
    ...registers,
    ax: BigInt.asUintN(64, -BigInt(restart)),
    ip: BigInt.asUintN(64, registers.ip + SYSCALL_LENGTH),
  };
}

/**
 * The code that a call was interrupted with; undefined for a thread in no call, or in one that was not interrupted.
 */
function restartCode(call: bigint, result: bigint): number | undefined {
  if (BigInt.asIntN(64, call) < 0n) return undefined;
  const code = Number(-BigInt.asIntN(64, result));
  return CODES.includes(code) || code === ERESTART_RESTARTBLOCK ? code : undefined;
}

/** The call with a restart block that a thread is in, or about to restart; undefined for others. */
function blockedCall(registers: UserX86RegsEntry, read: ReadMemory): BlockedCall | undefined {
  const { orig_ax: call, ax, ip } = registers;
  const isInterrupted = restartCode(call, ax) === ERESTART_RESTARTBLOCK;
  if (!isInterrupted && !isRewound(registers, read)) return undefined;
  const at = isInterrupted ? ip - SYSCALL_LENGTH : ip;
  const shown = Number(BigInt.asIntN(64, call));
  const isHidden = shown < 0 || shown === SYS.restart_syscall;
  return { at, number: isHidden ? findRestartedCall(registers, at, read) : shown };
}

/** Whether the kernel has already reset a thread so that it restarts a call by restart_syscall(2). */
function isRewound({ ax, orig_ax, ip }: UserX86RegsEntry, read: ReadMemory): boolean {
  if (ax !== BigInt(SYS.restart_syscall) || !mayBeRestarted(orig_ax)) return false;
  const code = read(ip, SYSCALL.length);
  return code !== undefined && SYSCALL.every((byte, index) => code[index] === byte);
}

function mayBeRestarted(call: bigint): boolean {
  const number = Number(BigInt.asIntN(64, call));
  return number < 0 || number === SYS.restart_syscall || hasRestartBlock(number);
}

function again(
  registers: UserX86RegsEntry,
  at: bigint,
  call: bigint,
  restart: number,
): RestartedRegisters {
  const ip = BigInt.asUintN(64, at);
  return { registers: { ...registers, ax: call, orig_ax: call, ip }, restart };
}
