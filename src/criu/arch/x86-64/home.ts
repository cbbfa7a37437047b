// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../../common/errors.js';
import { NO_CALL, REG } from './registers.js';
import { withRestart } from './restart.js';

/**
 * The way home. A tracee whose tracer dies in the middle of a remote call would run on with foreign registers. So
 * remote calls are made on a page of ours, where the `syscall` is followed by a `rt_sigreturn(2)` over a frame with
 * the task's own registers: left alone, the task returns to its own state by itself.
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

/**
 * Makes the %rbp system calls of the table at %rbx, each 7 words: number and arguments. The result replaces the
 * number.
 *
 *     1:  mov (%rbx), %rax; mov 8(%rbx), %rdi; ... mov 48(%rbx), %r9
 *         syscall
 *         mov %rax, (%rbx); add $56, %rbx; dec %rbp; jnz 1b
 *     2:  int3; jmp 2b
 */
// prettier-ignore
export const BATCH_CODE = Uint8Array.of(
  0x48, 0x8b, 0x03, 0x48, 0x8b, 0x7b, 8, 0x48, 0x8b, 0x73, 16, 0x48, 0x8b, 0x53, 24,
  0x4c, 0x8b, 0x53, 32, 0x4c, 0x8b, 0x43, 40, 0x4c, 0x8b, 0x4b, 48,
  0x0f, 0x05,
  0x48, 0x89, 0x03, 0x48, 0x83, 0xc3, 56, 0x48, 0xff, 0xcd, 0x75, 0xd7,
  0xcc, 0xeb, 0xfd,
);

/**
 * Makes a call that forks: the parent goes home, and a child that is left alone exits.
 *
 *         syscall; test %eax, %eax; jz 1f
 *         mov $15 (rt_sigreturn), %eax; syscall; ud2
 *     1:  mov $231 (exit_group), %eax; xor %edi, %edi; syscall; ud2
 */
// prettier-ignore
export const TWIN_CODE = Uint8Array.of(
  0x0f, 0x05, 0x85, 0xc0, 0x74, 9,
  0xb8, 15, 0, 0, 0, 0x0f, 0x05, 0x0f, 0x0b,
  0xb8, 231, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05, 0x0f, 0x0b,
);

/** Offset in {@link TWIN_CODE} at which a child exits. */
export const TWIN_END = 15;

/** Offset in {@link HOME_CODE} at which the way home begins. */
export const HOME_ENTRY = 2;

/** The instruction that makes a system call. */
export const SYSCALL_INSTRUCTION = HOME_CODE.subarray(0, HOME_ENTRY);

/** Order of the registers in `struct sigcontext`. */
// prettier-ignore
const CONTEXT_ORDER = [
  'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15', 'di', 'si', 'bp', 'bx', 'dx', 'ax', 'cx', 'sp', 'ip',
  'flags',
] as const satisfies readonly (keyof typeof REG)[];

const UC_FP_XSTATE = 1n;
const UC_SIGCONTEXT_SS = 2n;
const UC_STRICT_RESTORE_SS = 4n;
/** sigaltstack(2) refuses this, and rt_sigreturn(2) ignores that: the alternate stack stays as it is. */
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

/** Offsets of the words of a frame that point into itself. */
export const FRAME_POINTERS: readonly number[] = [FPSTATE_POINTER];

/** Size of a frame with an extended state of that many bytes. */
export function frameSize(xstateLength: number): number {
  return Math.ceil((XSAVE + xstateLength + 4) / 64) * 64;
}

/** What a thread needs to get home. */
export interface HomeState {
  readonly registers: BigUint64Array;
  readonly xstate: Uint8Array;
  readonly signalMask: bigint;
  /** Number of the call to restart if the thread was stopped in one that has a restart block. */
  readonly call?: number | undefined;
}

/** The frame, for an address that must be 64-byte aligned; in a buffer of zeros, if one is given. */
export function buildFrame(
  address: bigint,
  state: HomeState,
  frame: Buffer = Buffer.alloc(frameSize(state.xstate.length)),
): Uint8Array {
  if (state.xstate.length < XSAVE_HEADER_END) {
    throw new ShimError('internal', `an XSAVE area of ${String(state.xstate.length)} bytes`);
  }
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
  const features = frame.readBigUInt64LE(software); // ptrace puts the feature mask first.
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

/** Where a thread waits: the code, and its frame. */
interface Site {
  readonly code: bigint;
  readonly frame: bigint;
}

/** Registers of a thread that waits at its call site, {@link HOME_CODE}, so that the frame leads it home. */
export function sentTo(site: Site, registers: BigUint64Array): BigUint64Array {
  const result = registers.slice();
  sendTo(site, result);
  return result;
}

/** Makes registers those of such a thread. */
export function sendTo({ code, frame }: Site, registers: BigUint64Array): void {
  registers[REG.ip] = code + BigInt(HOME_ENTRY);
  registers[REG.sp] = frameStack(frame);
  registers[REG.orig_ax] = NO_CALL;
}
