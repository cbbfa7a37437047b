// SPDX-License-Identifier: Apache-2.0
import { badImage, ShimError } from '../../../common/errors.js';
import type { UserX86RegsEntry } from '../../image/types.js';
import { reader, words } from '../../../native/structures.js';

/** Order of `struct user_regs_struct`, by the names that images have: 27 words. Source: sys/user.h. */
const ORDER = [
  'r15', 'r14', 'r13', 'r12', 'bp', 'bx', 'r11', 'r10', 'r9', 'r8', 'ax', 'cx', 'dx', 'si', 'di',
  'orig_ax', 'ip', 'cs', 'flags', 'sp', 'ss', 'fs_base', 'gs_base', 'ds', 'es', 'fs', 'gs',
] as const satisfies readonly (keyof UserX86RegsEntry)[]; // prettier-ignore

type Register = (typeof ORDER)[number];

/** The position of each register among the words of `struct user_regs_struct`. */
export const REG = Object.fromEntries(ORDER.map((name, index) => [name, index])) as Readonly<
  Record<Register, number>
>;

/** All of them, 0; to be copied. */
const NO_REGISTERS = Object.fromEntries(ORDER.map((name) => [name, 0n])) as Record<
  Register,
  bigint
>;

/** Bytes of `struct user_regs_struct`. */
const REGISTERS_SIZE = ORDER.length * 8;

/** orig_ax of a thread that is in no system call. */
export const NO_CALL = 2n ** 64n - 1n;

const USER_CODE_64 = 0x33n;
/**
 * The selector of other code; 0 if PTRACE_GETREGSET filled in `struct user_regs_struct32`, which is far shorter.
 */
const USER_CODE_32: readonly bigint[] = [0x23n, 0n];
const USER_DATA = 0x2bn;

/** Registers that are looked at several times: nobody changes them. */
const DECODED = new WeakMap<Uint8Array, Readonly<UserX86RegsEntry>>();

/** General registers from `struct user_regs_struct`, which nobody changes. */
export function decodeRegisters(bytes: Uint8Array): Readonly<UserX86RegsEntry> {
  const known = DECODED.get(bytes) ?? decode(bytes);
  DECODED.set(bytes, known);
  return known;
}

function decode(bytes: Uint8Array): Readonly<UserX86RegsEntry> {
  if (bytes.length !== REGISTERS_SIZE) {
    throw new ShimError('internal', `read registers: ${String(bytes.length)} bytes`);
  }
  const view = reader(bytes);
  const registers = { ...NO_REGISTERS };
  ORDER.forEach((name, index) => {
    registers[name] = view.readBigUInt64LE(index * 8);
  });
  return { ...registers, mode: USER_CODE_32.includes(registers.cs) ? 'COMPAT' : 'NATIVE' };
}

/** `struct user_regs_struct` of general registers. */
export function encodeRegisters(registers: UserX86RegsEntry): Uint8Array {
  return words(...ORDER.map((name) => registers[name]));
}

/** Words of `struct user_regs_struct`, a copy. */
export function registerWords(registers: Uint8Array): BigUint64Array {
  return new BigUint64Array(registers.slice().buffer);
}

/** Inverse of {@link registerWords}, as fields. */
export function decodeWords(registers: BigUint64Array): UserX86RegsEntry {
  const { buffer, byteOffset, byteLength } = registers;
  return decodeRegisters(new Uint8Array(buffer, byteOffset, byteLength));
}

/** The address at which a thread goes on. */
export function instructionPointer(registers: BigUint64Array): bigint {
  return registers[REG.ip] ?? 0n;
}

export function stackPointer(registers: BigUint64Array): bigint {
  return registers[REG.sp] ?? 0n;
}

/** Why a thread with these registers cannot be restored; undefined if it can. */
export function registersProblem(registers: UserX86RegsEntry): string | undefined {
  if (USER_CODE_32.includes(registers.cs)) {
    return 'a 32-bit program is not supported; remedy: run a 64-bit build of it';
  }
  const isPlain =
    registers.cs === USER_CODE_64 &&
    registers.ss === USER_DATA &&
    [registers.ds, registers.es, registers.fs, registers.gs].every(isPlainSelector);
  return isPlain
    ? undefined
    : 'segments of its own (modify_ldt, set_thread_area) are not supported; remedy: run it without';
}

/** Throws `dataLoss` for registers that {@link registersProblem} would have refused. */
export function checkRegisters(where: string, registers: UserX86RegsEntry): void {
  const problem = registersProblem(registers);
  if (problem !== undefined) badImage(`registers of ${where}: ${problem}`);
}

function isPlainSelector(selector: bigint): boolean {
  return selector < 4n || selector === USER_DATA;
}
