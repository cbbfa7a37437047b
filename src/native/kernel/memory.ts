// SPDX-License-Identifier: Apache-2.0
import { BPF, instruct, loadProgram, takeProgram } from '../bpf.js';
import { addressOf, syscall } from '../index.js';
import { SYS } from '../sys.js';

/*
 * The kernel's own memory, read by a program of BPF that does nothing else (BPF_PROG_TYPE_SYSCALL, Linux 5.14): for what
 * the kernel has of a container, and shows nobody. Nothing is changed by a look. Addresses that lead nowhere do no harm
 * (bpf_probe_read_kernel). Where a kernel is locked down, or has no BPF, there is no such program.
 */

/** Commands of bpf(2), BPF_PROG_TYPE_SYSCALL, BPF_F_SLEEPABLE, and helpers (linux/bpf.h). */
const TEST_RUN = 10;
const TYPE_SYSCALL = 31;
const SLEEPABLE = 16;
const CURRENT_TASK = 35;
const READ_KERNEL = 113;
/** Where the attributes of a run are, in bytes. */
const RUN = { program: 0, contextSize: 40, context: 48, size: 80 };
/** Of the program; the number is that of its version. */
const NAME = 'mvas_peek_1';

/** What is read at once, since it has to be on the stack for a moment, and how often by one run. */
const PIECE = 256;
const PIECES = 16;
/** The context of the program: an address, how many pieces, and then the pieces. 0 stands for the task's own address. */
const CONTEXT = { address: 0, count: 8, bytes: 16, size: 16 + PIECE * PIECES };

const context = Buffer.alloc(CONTEXT.size);
/** The program's descriptor, inherited by forks; negative: there is none. */
let program = -1;

/** Why something of the kernel cannot be read: the address leads nowhere, or is none of what was expected. */
export class UnreadableKernel extends Error {}

/**
 * Takes the program from a process that has it, or else loads it.
 *
 * @param mayLoad asked before it is loaded
 * @returns whether there is one
 */
export function openKernelMemory(mayLoad: () => boolean): boolean {
  if (process.env['MVAS_NO_BPF'] !== undefined) return false;
  if (program < 0) program = takeProgram(NAME);
  if (program < 0 && mayLoad()) {
    program = loadProgram({ name: NAME, type: TYPE_SYSCALL, flags: SLEEPABLE, code: reader() });
  }
  return program >= 0;
}

/** Where the kernel keeps what it knows of the calling thread (`struct task_struct`). */
export function currentTask(): bigint {
  run(0n, 0);
  return context.readBigUInt64LE(CONTEXT.address);
}

/** Memory of the kernel; not all at the same moment. @throws UnreadableKernel */
export function readKernel(address: bigint, length: number): Buffer {
  // No piece reaches into a page beside it, which may not be there.
  const before = Number(address % BigInt(PIECE));
  const first = address - BigInt(before);
  const bytes = Buffer.alloc(before + length);
  for (let at = 0; at < bytes.length; at += PIECE * PIECES) {
    const count = Math.min(PIECES, Math.ceil((bytes.length - at) / PIECE));
    run(first + BigInt(at), count);
    if (context.readBigUInt64LE(CONTEXT.count) !== BigInt(count)) {
      throw new UnreadableKernel(`nothing at 0x${address.toString(16)}`);
    }
    context.copy(bytes, at, CONTEXT.bytes);
  }
  return bytes.subarray(before);
}

function run(address: bigint, count: number): void {
  context.writeBigUInt64LE(BigInt.asUintN(64, address), CONTEXT.address);
  context.writeBigUInt64LE(BigInt(count), CONTEXT.count);
  const request = Buffer.alloc(RUN.size);
  request.writeUInt32LE(program, RUN.program);
  request.writeUInt32LE(context.length, RUN.contextSize);
  request.writeBigUInt64LE(addressOf(context), RUN.context);
  const result = syscall(SYS.bpf, TEST_RUN, request, request.length);
  if (result < 0) throw new UnreadableKernel(`bpf: ${String(result)}`);
}

/** Registers of the program: its context, the address, how many pieces there are so far, and how many are wanted. */
const [OURS, ADDRESS, DONE, WANTED] = [6, 7, 8, 9];
const RESULT = 0;

/** Reads piece after piece, until there are as many as wanted, or one cannot be read; says how many there are. */
function reader(): Buffer {
  const end = [instruct(BPF.set, [RESULT, 0]), instruct(BPF.exit, [0, 0])];
  const ownTask = [
    instruct(BPF.call, [0, 0], 0, CURRENT_TASK),
    instruct(BPF.store, [OURS, RESULT], CONTEXT.address),
    ...end,
  ];
  const each = pieceReader(0).length / 8 + 1;
  const pieces = Array.from({ length: PIECES }, (_, index) => {
    const rest = (PIECES - index) * each - 1;
    return [instruct(BPF.ifSame, [DONE, WANTED], rest), pieceReader(index, rest - 1)];
  });
  return Buffer.concat([
    instruct(BPF.move, [OURS, 1]),
    instruct(BPF.load, [ADDRESS, OURS], CONTEXT.address),
    instruct(BPF.load, [WANTED, OURS], CONTEXT.count),
    instruct(BPF.set, [DONE, 0]),
    instruct(BPF.ifNotEqual, [ADDRESS, 0], ownTask.length),
    ...ownTask,
    ...pieces.flat(),
    instruct(BPF.store, [OURS, DONE], CONTEXT.count),
    ...end,
  ]);
}

/** Reads a piece, and jumps over so many instructions from its beginning if it cannot. */
function pieceReader(index: number, rest = 0): Buffer {
  const words = Array.from({ length: PIECE / 8 }, (_, word) => word * 8);
  const read = [
    instruct(BPF.move, [1, BPF.stack]),
    instruct(BPF.add, [1, 0], 0, -PIECE),
    instruct(BPF.set, [2, 0], 0, PIECE),
    instruct(BPF.move, [3, ADDRESS]),
    instruct(BPF.add, [3, 0], 0, index * PIECE),
    instruct(BPF.call, [0, 0], 0, READ_KERNEL),
  ];
  return Buffer.concat([
    ...read,
    instruct(BPF.ifNotEqual, [RESULT, 0], Math.max(rest - read.length, 0)),
    ...words.flatMap((at) => [
      instruct(BPF.load, [1, BPF.stack], at - PIECE),
      instruct(BPF.store, [OURS, 1], CONTEXT.bytes + index * PIECE + at),
    ]),
    instruct(BPF.add, [DONE, 0], 0, 1),
  ]);
}
