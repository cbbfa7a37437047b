// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { ShimError } from '../../../../../src/common/errors.js';
import {
  buildFrame,
  frameSize,
  frameStack,
  HOME_CODE,
  HOME_ENTRY,
} from '../../../../../src/criu/arch/x86-64/home.js';
import { REG } from '../../../../../src/criu/arch/x86-64/registers.js';
import { withRestart } from '../../../../../src/criu/arch/x86-64/restart.js';

const XSTATE_BYTES = 1088;
const FEATURES = 0x207n;
const ADDRESS = 0x7f0000001000n;

/** Register number N is 0x1000 + N; not in a system call. */
function registers(changes: Partial<Record<keyof typeof REG, bigint>> = {}): BigUint64Array {
  const words = BigUint64Array.from({ length: 27 }, (_, index) => BigInt(0x1000 + index));
  words[REG.orig_ax] = BigInt.asUintN(64, -1n);
  words[REG.cs] = 0x33n;
  words[REG.ss] = 0x2bn;
  for (const [name, value] of Object.entries(changes)) {
    words[REG[name as keyof typeof REG]] = BigInt.asUintN(64, value);
  }
  return words;
}

function xstate(): Uint8Array {
  const bytes = Buffer.alloc(XSTATE_BYTES, 0xab);
  bytes.writeBigUInt64LE(FEATURES, 464);
  return bytes;
}

function frame(words = registers()): Buffer {
  const state = { registers: words, xstate: xstate(), signalMask: 0x1234n };
  return Buffer.from(buildFrame(ADDRESS, state));
}

test('registers lie where struct sigcontext has them', (t) => {
  const bytes = frame();
  // Offsets of the kernel's struct sigcontext (asm/sigcontext.h), after 8 bytes and the ucontext's 40.
  const offsets = { r8: 0, r15: 56, di: 64, bx: 88, ax: 104, sp: 120, ip: 128, flags: 136 };
  for (const [name, offset] of Object.entries(offsets)) {
    const index = REG[name as keyof typeof REG];
    t.is(bytes.readBigUInt64LE(48 + offset), BigInt(0x1000 + index), name);
  }
  t.is(bytes.readUInt16LE(48 + 144), 0x33, 'cs');
  t.is(bytes.readUInt16LE(48 + 150), 0x2b, 'ss');
});

test('the signal mask stands behind struct sigcontext', (t) => {
  t.is(frame().readBigUInt64LE(8 + 40 + 256), 0x1234n);
});

test('the kernel finds the extended state whole', (t) => {
  const bytes = frame();
  const at = 512;
  t.is(bytes.readBigUInt64LE(48 + 184), ADDRESS + BigInt(at), 'fpstate');
  t.is((ADDRESS + BigInt(at)) % 64n, 0n);
  // struct _fpx_sw_bytes at 464 of the XSAVE area.
  t.is(bytes.readUInt32LE(at + 464), 0x46505853);
  t.is(bytes.readUInt32LE(at + 468), XSTATE_BYTES + 4);
  t.is(bytes.readBigUInt64LE(at + 472), FEATURES);
  t.is(bytes.readUInt32LE(at + 480), XSTATE_BYTES);
  t.is(bytes.readUInt32LE(at + XSTATE_BYTES), 0x46505845);
  t.deepEqual(bytes.subarray(at, at + 464), Buffer.from(xstate().subarray(0, 464)));
  t.deepEqual(bytes.subarray(at + 512, at + XSTATE_BYTES), Buffer.alloc(XSTATE_BYTES - 512, 0xab));
});

test('the alternate signal stack stays as it is', (t) => {
  // ss_flags that sigaltstack(2) refuses.
  t.is(frame().readUInt32LE(8 + 16 + 8), 0x40);
});

test('a frame is as large as it says, and whole cache lines', (t) => {
  t.is(frame().length, frameSize(XSTATE_BYTES));
  t.is(frameSize(XSTATE_BYTES) % 64, 0);
  t.true(frameSize(XSTATE_BYTES) >= 512 + XSTATE_BYTES + 4);
});

test('rt_sigreturn finds the frame by the stack pointer', (t) => {
  // The kernel takes the frame from sp - 8: the return address counts as popped.
  t.is(frameStack(ADDRESS), ADDRESS + 8n);
});

test('the way home is rt_sigreturn behind a system call', (t) => {
  const syscall = [0x0f, 0x05];
  t.deepEqual([...HOME_CODE.subarray(0, HOME_ENTRY)], syscall);
  t.deepEqual([...HOME_CODE.subarray(HOME_ENTRY, 9)], [0xb8, 15, 0, 0, 0, ...syscall]);
  t.deepEqual([...HOME_CODE.subarray(9)], [0x0f, 0x0b]);
});

test('an extended state too short for its header is our fault', (t) => {
  const state = { registers: registers(), xstate: new Uint8Array(512), signalMask: 0n };
  const error = t.throws(() => buildFrame(ADDRESS, state), { instanceOf: ShimError });
  t.is(error?.kind, 'internal');
});

test('outside of a system call nothing is restarted', (t) => {
  const words = registers({ ax: -512n });
  t.deepEqual(withRestart(words), words);
});

test('a finished system call is not made again', (t) => {
  for (const ax of [0n, 7n, -4n, -515n]) {
    const words = registers({ orig_ax: 1n, ax });
    t.deepEqual(withRestart(words), words);
  }
});

test('an interrupted system call is made again', (t) => {
  for (const ax of [-512n, -513n, -514n]) {
    const words = registers({ orig_ax: 7n, ax, ip: 0x5000n });
    const after = withRestart(words);
    t.is(after[REG.ax], 7n);
    t.is(after[REG.ip], 0x5000n - 2n);
    t.is(words[REG.ip], 0x5000n, 'the registers given stay as they are');
  }
});

test('a call with a restart block is made again by its number, or by restart_syscall', (t) => {
  const words = registers({ orig_ax: 35n, ax: -516n, ip: 0x5000n });
  t.is(withRestart(words, 35)[REG.ax], 35n);
  t.is(withRestart(words)[REG.ax], 219n);
  t.is(withRestart(words)[REG.ip], 0x5000n - 2n);
});

test('a thread that was set back already is given the number only', (t) => {
  const words = registers({ orig_ax: 219n, ax: 219n, ip: 0x5000n });
  const after = withRestart(words, 35);
  t.deepEqual([after[REG.ax], after[REG.ip]], [35n, 0x5000n]);
});
