// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';

/**
 * The way home. A tracee whose tracer dies in the middle of a remote call would run on with foreign
 * registers. So remote calls are made on a page of ours, where behind the `syscall` stands a
 * `rt_sigreturn(2)` over a frame with the task's own registers: left alone, the task goes back to
 * its own life by itself.
 *
 *     frame -> 0   return address (unused)
 *              8   struct ucontext: flags, link, stack
 *             48   struct sigcontext: 18 registers, segments, err, trapno, oldmask, cr2, fpstate
 *            304   signal mask (8 bytes)
 *            ...
 *            512   XSAVE area (64-byte aligned), then FP_XSTATE_MAGIC2
 *
 * Sources: arch/x86/include/uapi/asm/{ucontext,sigcontext}.h, arch/x86/kernel/{signal_64,fpu/signal}.c.
 */

/** `syscall; mov $15 (rt_sigreturn), %eax; syscall; ud2`. */
export const HOME_CODE = Uint8Array.of(0x0f, 0x05, 0xb8, 15, 0, 0, 0, 0x0f, 0x05, 0x0f, 0x0b);

/** Where in {@link HOME_CODE} the way home begins. */
export const HOME_ENTRY = 2;

/** Indexes of `struct user_regs_struct` (sys/user.h). */
export const REG = {
  r15: 0,
  r14: 1,
  r13: 2,
  r12: 3,
  rbp: 4,
  rbx: 5,
  r11: 6,
  r10: 7,
  r9: 8,
  r8: 9,
  rax: 10,
  rcx: 11,
  rdx: 12,
  rsi: 13,
  rdi: 14,
  origRax: 15,
  rip: 16,
  cs: 17,
  eflags: 18,
  rsp: 19,
  ss: 20,
  fsBase: 21,
  gsBase: 22,
} as const;

type Register = keyof typeof REG;

/** Order of the registers in `struct sigcontext`. */
// prettier-ignore
const CONTEXT_ORDER: readonly Register[] = [
  'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15', 'rdi', 'rsi', 'rbp', 'rbx', 'rdx', 'rax',
  'rcx', 'rsp', 'rip', 'eflags',
];

const UC_FP_XSTATE = 1n;
const UC_SIGCONTEXT_SS = 2n;
const UC_STRICT_RESTORE_SS = 4n;
/** sigaltstack(2) refuses it, and rt_sigreturn(2) ignores that: the alternate stack stays as it is. */
const NO_ALTSTACK = 0x40;

const CONTEXT = 48;
const SEGMENTS = CONTEXT + 18 * 8;
const FPSTATE_POINTER = SEGMENTS + 5 * 8;
const SIGNAL_MASK = 304;
const XSAVE = 512;
const SOFTWARE_BYTES = 464;
const XSAVE_HEADER_END = 576;
const MAGIC1 = 0x46505853;
const MAGIC2 = 0x46505845;

const ERESTARTSYS = -512n;
const ERESTARTNOINTR = -513n;
const ERESTARTNOHAND = -514n;
const ERESTART_RESTARTBLOCK = -516n;
const NR_RESTART_SYSCALL = 219n;

/** Room of a frame with an extended state of that many bytes. */
export function frameSize(xstateLength: number): number {
  return Math.ceil((XSAVE + xstateLength + 4) / 64) * 64;
}

/**
 * Registers with the restart of an interrupted system call worked out, as the kernel does it when a
 * task resumes (arch/x86/kernel/signal.c). A call with a restart block is made again from its
 * beginning (`blocked`: its number), since rt_sigreturn forgets the block: a sleep may last longer, but
 * is not cut short. Where its number is not known it returns EINTR.
 */
export function withRestart(registers: BigUint64Array, blocked?: number): BigUint64Array {
  const result = registers.slice();
  const call = BigInt.asIntN(64, registers[REG.origRax] ?? 0n);
  const code = BigInt.asIntN(64, registers[REG.rax] ?? 0n);
  if (call < 0n) return result;
  const again = [ERESTARTSYS, ERESTARTNOINTR, ERESTARTNOHAND].includes(code);
  if (!again && code !== ERESTART_RESTARTBLOCK) return result;
  const number = blocked === undefined ? NR_RESTART_SYSCALL : BigInt(blocked);
  result[REG.rax] = again ? BigInt.asUintN(64, call) : number;
  result[REG.rip] = (registers[REG.rip] ?? 0n) - 2n;
  return result;
}

/** What a thread needs to come home. */
export interface HomeState {
  readonly registers: BigUint64Array;
  readonly xstate: Uint8Array;
  readonly signalMask: bigint;
  /** Number of the call to make again if the thread was stopped in one that has a restart block. */
  readonly call?: number | undefined;
}

/** The frame, for an address that must be 64-byte aligned. */
export function buildFrame(address: bigint, state: HomeState): Uint8Array {
  if (state.xstate.length < XSAVE_HEADER_END) {
    throw new ShimError('internal', `an XSAVE area of ${String(state.xstate.length)} bytes`);
  }
  const frame = Buffer.alloc(frameSize(state.xstate.length));
  const registers = withRestart(state.registers, state.call);
  frame.writeBigUInt64LE(UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS, 8);
  frame.writeUInt32LE(NO_ALTSTACK, 32);
  CONTEXT_ORDER.forEach((name, index) => {
    frame.writeBigUInt64LE(registers[REG[name]] ?? 0n, CONTEXT + index * 8);
  });
  frame.writeUInt16LE(Number(registers[REG.cs] ?? 0n), SEGMENTS);
  frame.writeUInt16LE(Number(registers[REG.ss] ?? 0n), SEGMENTS + 6);
  frame.writeBigUInt64LE(address + BigInt(XSAVE), FPSTATE_POINTER);
  frame.writeBigUInt64LE(state.signalMask, SIGNAL_MASK);
  frame.set(state.xstate, XSAVE);
  const software = XSAVE + SOFTWARE_BYTES;
  const features = frame.readBigUInt64LE(software); // ptrace puts the feature mask first
  frame.writeUInt32LE(MAGIC1, software);
  frame.writeUInt32LE(state.xstate.length + 4, software + 4);
  frame.writeBigUInt64LE(features, software + 8);
  frame.writeUInt32LE(state.xstate.length, software + 16);
  frame.writeUInt32LE(MAGIC2, XSAVE + state.xstate.length);
  return frame;
}

/** The stack pointer with which {@link HOME_CODE} finds the frame. */
export function frameStack(address: bigint): bigint {
  return address + 8n;
}
