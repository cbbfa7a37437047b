// SPDX-License-Identifier: Apache-2.0
import { addressOf, syscall } from './index.js';
import { closeFd, SYS } from './sys.js';

/*
 * Programs of BPF (bpf(2)), which are written here by hand. They are few and small, and each is loaded once for as long as
 * any process has it: the kernel is not made for one a checkpoint.
 */

/** Commands of bpf(2), and values of its attributes (linux/bpf.h). */
const PROG_LOAD = 5;
const PROG_NEXT = 11;
const PROG_FD = 13;
const OBJECT_INFO = 15;
/** Where the attributes are, in bytes. */
const LOAD = {
  type: 0,
  count: 4,
  code: 8,
  licence: 16,
  flags: 44,
  name: 48,
  attach: 68,
  function: 108,
  size: 128,
};
const TAKE = { id: 0, next: 4, size: 8 };
/** Of `struct bpf_prog_info`, as much as is needed. */
const INFO = { name: 64, size: 80 };
/** The kernel wants a licence of its own sort for what these programs do; they are under either. */
const LICENCE = Buffer.from('Dual BSD/GPL\0');

/** A program to be loaded. */
export interface Program {
  /** At most 15 characters; by it other processes take the program. Ends with a number, that of its version. */
  readonly name: string;
  /** BPF_PROG_TYPE_*, BPF_F_*. */
  readonly type: number;
  readonly flags?: number;
  readonly code: Buffer;
  /** For programs that are attached: how, and the id of the function that they are attached to. */
  readonly attach?: { readonly type: number; readonly function: number };
}

/** Loads a program; returns its descriptor, or -errno. */
export function loadProgram({ name, type, flags = 0, code, attach }: Program): number {
  const request = Buffer.alloc(LOAD.size);
  request.writeUInt32LE(type, LOAD.type);
  request.writeUInt32LE(code.length / 8, LOAD.count);
  request.writeBigUInt64LE(addressOf(code), LOAD.code);
  request.writeBigUInt64LE(addressOf(LICENCE), LOAD.licence);
  request.writeUInt32LE(flags, LOAD.flags);
  request.write(name, LOAD.name);
  request.writeUInt32LE(attach?.type ?? 0, LOAD.attach);
  request.writeUInt32LE(attach?.function ?? 0, LOAD.function);
  return syscall(SYS.bpf, PROG_LOAD, request, request.length);
}

/** A program of a name that some process has: only root can have loaded it. Returns a negative number if there is none. */
export function takeProgram(name: string): number {
  const request = Buffer.alloc(TAKE.size);
  while (syscall(SYS.bpf, PROG_NEXT, request, request.length) >= 0) {
    request.copyWithin(TAKE.id, TAKE.next);
    const fd = syscall(SYS.bpf, PROG_FD, request.subarray(0, TAKE.next), TAKE.next);
    if (fd < 0) continue; // It has gone.
    if (nameOf(fd, name.length + 1) === name) return fd;
    closeFd(fd);
  }
  return -1;
}

function nameOf(fd: number, most: number): string {
  const info = Buffer.alloc(INFO.size);
  const request = Buffer.alloc(16);
  request.writeUInt32LE(fd, 0);
  request.writeUInt32LE(info.length, 4);
  request.writeBigUInt64LE(addressOf(info), 8);
  syscall(SYS.bpf, OBJECT_INFO, request, request.length);
  return info.toString('latin1', INFO.name, INFO.name + most).replace(/\0.*/, '');
}

/** Instructions (kernel documentation, bpf/standardization/instruction-set.rst), and the register of the stack. */
export const BPF = {
  load: 0x79,
  store: 0x7b,
  move: 0xbf,
  set: 0xb7,
  add: 0x07,
  ifEqual: 0x15,
  ifNotEqual: 0x55,
  ifSame: 0x1d,
  call: 0x85,
  exit: 0x95,
  stack: 10,
} as const;

/** Encodes an instruction. */
export function instruct(
  code: number,
  [to, from]: readonly [number, number],
  at = 0,
  value = 0,
): Buffer {
  const bytes = Buffer.of(code, to | (from << 4), 0, 0, 0, 0, 0, 0);
  bytes.writeInt16LE(at, 2);
  bytes.writeInt32LE(value, 4);
  return bytes;
}
