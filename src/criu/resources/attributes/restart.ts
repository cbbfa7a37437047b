// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../../common/errors.js';
import { EINTR } from '../../../native/abi/index.js';
import { SYS } from '../../../native/sys.js';
import type { UserX86RegsEntry } from '../../image/types.js';

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

const NR_RESTART_SYSCALL = 219;
const NR_POLL = 7;
const NR_NANOSLEEP = 35;
const NR_CLOCK_NANOSLEEP = 230;
/** Calls that use a restart block (its users in kernel/, fs/select.c). */
const WITH_RESTART_BLOCK: readonly number[] = [
  NR_POLL,
  NR_NANOSLEEP,
  SYS.futex,
  NR_CLOCK_NANOSLEEP,
];

/** Bytes of code before the call that are searched for its number. */
export const CODE_WINDOW = 48;
const SYSCALL_LENGTH = 2n;
const NO_CALL = 2n ** 64n - 1n;

/** Registers for the image, and the code of an interrupted call. */
export interface RestartedRegisters {
  readonly registers: UserX86RegsEntry;
  readonly restart?: number;
}

/**
 * Works an interrupted system call out.
 *
 * @param codeBefore reads {@link CODE_WINDOW} bytes that end at an address; undefined where it cannot.
 *   Needed for a call that had been interrupted before (as by a freeze): it shows as
 *   restart_syscall(2), and its number only the code tells. EINTR is returned where it does not.
 */
export function resolveRestart(
  registers: UserX86RegsEntry,
  codeBefore: (end: bigint) => Uint8Array | undefined,
): RestartedRegisters {
  const call = BigInt.asIntN(64, registers.orig_ax);
  if (call < 0n) return { registers };
  const code = Number(-BigInt.asIntN(64, registers.ax));
  if (CODES.includes(code)) return again(registers, registers.orig_ax, code);
  if (code !== ERESTART_RESTARTBLOCK) return { registers };
  const at = { call: registers.orig_ax, ip: registers.ip };
  const number = interruptedCall(at, (start, length) => codeBefore(start + BigInt(length)));
  if (number !== undefined) return again(registers, BigInt(number), ERESTARTNOHAND);
  return { registers: { ...registers, ax: BigInt.asUintN(64, -EINTR), orig_ax: NO_CALL } };
}

/**
 * The call that ERESTART_RESTARTBLOCK interrupted, from orig_ax and the address behind its
 * instruction; undefined where neither orig_ax nor the code before it tells.
 */
export function interruptedCall(
  { call, ip }: { readonly call: bigint; readonly ip: bigint },
  read: (address: bigint, length: number) => Uint8Array | undefined,
): number | undefined {
  if (call !== BigInt(NR_RESTART_SYSCALL)) return Number(BigInt.asIntN(64, call));
  const before = read(ip - SYSCALL_LENGTH - BigInt(CODE_WINDOW), CODE_WINDOW);
  return before && findCallNumber(before);
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
    return WITH_RESTART_BLOCK.includes(number) ? number : undefined;
  }
  return undefined;
}
