// SPDX-License-Identifier: Apache-2.0
import { deepStrictEqual } from 'node:assert';
import test from 'ava';
import fc from 'fast-check';
import {
  decodeRegisters,
  encodeRegisters,
  registersProblem,
} from '../../../../../src/criu/arch/x86-64/registers.js';
import {
  finalRegisters,
  interruptedCall,
  resolveRestart,
} from '../../../../../src/criu/arch/x86-64/restart.js';
import { finalThreadState } from '../../../../../src/criu/resources/attributes.js';
import { decodeFpregs, encodeFpregs } from '../../../../../src/criu/arch/x86-64/xstate.js';
import { sampleCore, sampleCreds, sampleRegisters } from '../../resources/samples.js';

const SAMPLE = decodeRegisters(sampleRegisters());
const NO_CALL = 2n ** 64n - 1n;
const noCode = (): undefined => undefined;
const CODE_WINDOW = 48;

/** Memory that holds only the code before a call. */
function codeOnly(code: Uint8Array) {
  return (_address: bigint, length: number): Uint8Array | undefined =>
    length === CODE_WINDOW ? code : undefined;
}

/** Registers of a thread in a call that returned a code. */
function inCall(call: bigint, code: number): typeof SAMPLE {
  return { ...SAMPLE, orig_ax: call, ax: BigInt.asUintN(64, -BigInt(code)) };
}

test('registers become fields and bytes again', (t) => {
  t.deepEqual(Buffer.from(encodeRegisters(SAMPLE)), Buffer.from(sampleRegisters()));
  t.is(SAMPLE.ip, 17n);
  t.is(SAMPLE.mode, 'NATIVE');
});

test('32-bit programs and segments of their own are refused', (t) => {
  t.is(registersProblem(SAMPLE), undefined);
  t.is(registersProblem({ ...SAMPLE, ds: 0x2bn }), undefined);
  t.regex(registersProblem({ ...SAMPLE, cs: 0x23n }) ?? '', /32-bit .*; remedy: /);
  t.regex(registersProblem({ ...SAMPLE, cs: 0n }) ?? '', /32-bit/);
  t.regex(registersProblem({ ...SAMPLE, fs: 0x0fn }) ?? '', /segments .*; remedy: /);
  t.regex(registersProblem({ ...SAMPLE, cs: 0x10n }) ?? '', /segments/);
});

for (const code of [512, 513, 514]) {
  test(`a call interrupted with code ${String(code)} is made again, and the code comes back`, (t) => {
    const stopped = inCall(202n, code);
    const { registers, restart } = resolveRestart(stopped, noCode);
    t.deepEqual([registers.ax, registers.ip, restart], [202n, SAMPLE.ip - 2n, code]);
    t.deepEqual(finalRegisters(registers, restart), stopped);
  });
}

test('a call with a restart block is made again with its arguments', (t) => {
  const { registers, restart } = resolveRestart(inCall(35n, 516), noCode);
  t.deepEqual([registers.ax, registers.ip, restart], [35n, SAMPLE.ip - 2n, 514]);
});

test('a call that goes on by restart_syscall is found in the code before it', (t) => {
  // xor %r9d,%r9d; mov $202,%eax
  const futex = Uint8Array.of(0x45, 0x31, 0xc9, 0xb8, 202, 0, 0, 0);
  const found = resolveRestart(inCall(219n, 516), codeOnly(futex));
  t.deepEqual([found.registers.ax, found.registers.orig_ax, found.restart], [202n, 202n, 514]);
});

test('its number may be on the stack, where later C libraries keep it', (t) => {
  // mov 0x20(%rsp),%rax
  const load = Uint8Array.of(0x49, 0x89, 0xca, 0x48, 0x8b, 0x44, 0x24, 0x20);
  const stack = (number: number): Uint8Array => Uint8Array.of(number, 0, 0, 0, 0, 0, 0, 0);
  const resolve = (number: number): bigint[] => {
    const { registers } = resolveRestart(inCall(219n, 516), (address, length) =>
      address === SAMPLE.sp + 0x20n ? stack(number) : codeOnly(load)(address, length),
    );
    return [registers.ax, registers.orig_ax];
  };
  t.deepEqual(resolve(230), [230n, 230n]);
  t.deepEqual(resolve(0), [BigInt.asUintN(64, -4n), NO_CALL]);
});

test('where the code does not tell, or tells of another call, it is interrupted', (t) => {
  const read = Uint8Array.of(0xb8, 7, 0, 0, 0, 0xb8, 0, 0, 0, 0);
  for (const code of [noCode, codeOnly(read), codeOnly(new Uint8Array(CODE_WINDOW))]) {
    const { registers, restart, isCut } = resolveRestart(inCall(219n, 516), code);
    t.deepEqual([registers.ax, registers.orig_ax], [BigInt.asUintN(64, -4n), NO_CALL]);
    t.deepEqual([restart, isCut], [undefined, true]);
  }
});

test('a thread that was set back to restart_syscall makes its call again', (t) => {
  const code = (address: bigint): Uint8Array | undefined =>
    address === SAMPLE.ip ? Uint8Array.of(0x0f, 0x05) : Uint8Array.of(0xb8, 35, 0, 0, 0);
  for (const call of [35n, 219n, NO_CALL]) {
    const stopped = { ...SAMPLE, orig_ax: call, ax: 219n };
    const { registers, restart } = resolveRestart(stopped, code);
    t.deepEqual([registers.ax, registers.ip, restart], [35n, SAMPLE.ip, 514]);
    t.is(interruptedCall(new BigUint64Array(encodeRegisters(stopped).slice().buffer), code), 35);
  }
  const written = { ...SAMPLE, orig_ax: 1n, ax: 219n };
  t.deepEqual(resolveRestart(written, code).registers, written, 'write(2) has returned 219');
  const elsewhere = { ...SAMPLE, orig_ax: NO_CALL, ax: 219n };
  t.deepEqual(resolveRestart(elsewhere, noCode).registers, elsewhere);
});

test('where its number is lost it returns EINTR behind the call', (t) => {
  const code = (address: bigint): Uint8Array | undefined =>
    address === SAMPLE.ip ? Uint8Array.of(0x0f, 0x05) : undefined;
  const { registers, isCut } = resolveRestart({ ...SAMPLE, orig_ax: 219n, ax: 219n }, code);
  const after = [registers.ax, registers.ip, isCut];
  t.deepEqual(after, [BigInt.asUintN(64, -4n), SAMPLE.ip + 2n, true]);
});

test('a call that has returned, and code outside of calls, are left alone', (t) => {
  const returned = inCall(0n, -17);
  t.deepEqual(resolveRestart(returned, noCode).registers, returned);
  const outside = inCall(NO_CALL, 512);
  t.deepEqual(resolveRestart(outside, noCode).registers, outside);
  t.is(finalRegisters(returned).orig_ax, NO_CALL);
});

test('an unknown restart code is no image of ours', (t) => {
  t.throws(() => finalRegisters(SAMPLE, 516), { message: /restart code 516/ });
});

test('the common part of an XSAVE area survives the way through CRIU’s fields', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 832, maxLength: 832 }), (random) => {
      random.fill(0, 416, 576); // the spare part is the kernel’s
      random[512] = 7;
      deepStrictEqual(decodeFpregs(encodeFpregs(decodeFpregs(random))), decodeFpregs(random));
    }),
  );
  t.pass();
});

test('the final state takes our extended state, or one of the machine’s size', (t) => {
  const core = sampleCore(sampleCreds(0n));
  t.is(finalThreadState(core, 2696).xstate.length, 2696);
  const own = new Uint8Array(1088);
  if (core.thread_core) Object.assign(core.thread_core, { mvas_xstate: own, blk_sigset: 5n });
  t.deepEqual(finalThreadState(core, 2696).xstate, own);
  t.is(finalThreadState(core, 2696).signalMask, 5n);
});

test('a final state that would not be a 64-bit program’s is refused', (t) => {
  const core = sampleCore(sampleCreds(0n));
  if (core.thread_info) core.thread_info.gpregs.cs = 0x10n;
  t.throws(() => finalThreadState(core, 832), { message: /segments/ });
  const short = sampleCore(sampleCreds(0n));
  if (short.thread_core) short.thread_core.mvas_xstate = new Uint8Array(100);
  t.throws(() => finalThreadState(short, 832), { message: /100 bytes/ });
});
