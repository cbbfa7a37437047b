// SPDX-License-Identifier: Apache-2.0
import { closeSync, readFileSync, readSync } from 'node:fs';
import { KernelTypes } from './btf.js';
import { addressOf, syscall } from './index.js';
import { closeFd, SYS } from './sys.js';

/*
 * The flags of a process's memory areas as the kernel keeps them (vm_flags of struct vm_area_struct). Only
 * /proc/PID/smaps shows them otherwise, and for that the kernel walks all page tables: some 40 ms for each GiB. An
 * iterator of BPF (kernel documentation, bpf/bpf_iterators.rst; Linux 6.1) reports nothing but these, in microseconds.
 */

/** Of each area, in order of address: start, end, flags. */
export type AreaFlags = BigUint64Array;
/** Words of an area in {@link AreaFlags}. */
export const FLAGS_ROW = 3;
const ROW_BYTES = FLAGS_ROW * 8;

const TYPES = '/sys/kernel/btf/vmlinux';
/** Commands of bpf(2), and values of its attributes (linux/bpf.h). */
const PROG_LOAD = 5;
const PROG_NEXT = 11;
const PROG_FD = 13;
const OBJECT_INFO = 15;
const LINK_CREATE = 28;
const ITER_CREATE = 33;
const TYPE_TRACING = 26;
const TRACE_ITER = 28;
const SEQ_WRITE = 127;
/** Where the attributes are, in bytes. */
const LOAD = {
  type: 0,
  count: 4,
  code: 8,
  licence: 16,
  name: 48,
  attach: 68,
  function: 108,
  size: 128,
};
const TAKE = { id: 0, next: 4, size: 8 };
/** Of `struct bpf_prog_info`, as much as is needed. */
const INFO = { name: 64, size: 80 };
const LINK = { program: 0, attach: 8, target: 16, targetSize: 24, size: 64 };
/** Of the program; the number is that of its version. */
const NAME = 'mvas_areas_1';
/** The kernel wants a licence of its own sort for programs that write to an iterator; this one is under either. */
const LICENCE = Buffer.from('Dual BSD/GPL\0');

/** Rows are read into this first. */
let room = Buffer.alloc(ROW_BYTES * 1024);
/** The program's descriptor, inherited by forks; negative: there is none. */
let program = -1;

/**
 * Takes the program that {@link readAreaFlags} needs from a process that has it, or else loads it, which takes tens
 * of milliseconds. Only for processes that live long and fork: the kernel is not made for one such program a checkpoint.
 *
 * @param mayLoad asked before a program is loaded
 * @returns whether there is one
 */
export function loadAreaFlags(mayLoad: () => boolean): boolean {
  if (program < 0) program = take();
  if (program < 0 && mayLoad()) program = load();
  return program >= 0;
}

/**
 * The areas of a process; undefined if the program is not loaded, or the process has gone. `[vsyscall]`, which is
 * no area of the process's own, is left out.
 */
export function readAreaFlags(pid: number): AreaFlags | undefined {
  if (program < 0 || process.env['MVAS_NO_BPF'] !== undefined) return undefined;
  const iterator = iterate(pid);
  if (iterator < 0) return undefined;
  try {
    const rows = readRows(iterator);
    return rows.length > 0 ? rows : undefined;
  } catch {
    return undefined;
  } finally {
    closeSync(iterator);
  }
}

/** A program of the same name: only root can have loaded it. Returns a negative number if there is none. */
function take(): number {
  const request = Buffer.alloc(TAKE.size);
  while (syscall(SYS.bpf, PROG_NEXT, request, request.length) >= 0) {
    request.copyWithin(TAKE.id, TAKE.next);
    const fd = syscall(SYS.bpf, PROG_FD, request.subarray(0, TAKE.next), TAKE.next);
    if (fd < 0) continue; // It has gone.
    if (nameOf(fd) === NAME) return fd;
    closeFd(fd);
  }
  return -1;
}

function nameOf(fd: number): string {
  const info = Buffer.alloc(INFO.size);
  const request = Buffer.alloc(16);
  request.writeUInt32LE(fd, 0);
  request.writeUInt32LE(info.length, 4);
  request.writeBigUInt64LE(addressOf(info), 8);
  syscall(SYS.bpf, OBJECT_INFO, request, request.length);
  return info.toString('latin1', INFO.name, INFO.name + NAME.length + 1).replace(/\0.*/, '');
}

function load(): number {
  try {
    const types = new KernelTypes(readFileSync(TYPES));
    const members = ['vm_start', 'vm_end', 'vm_flags'];
    const offsets = types.offsetsOf('vm_area_struct', members);
    const target = types.functionId('bpf_iter_task_vma');
    return offsets && target !== undefined ? loadProgram(rowWriter(offsets), target) : -1;
  } catch {
    return -1; // A kernel without types.
  }
}

function loadProgram(code: Buffer, target: number): number {
  const request = Buffer.alloc(LOAD.size);
  request.writeUInt32LE(TYPE_TRACING, LOAD.type);
  request.writeUInt32LE(code.length / 8, LOAD.count);
  request.writeBigUInt64LE(addressOf(code), LOAD.code);
  request.writeBigUInt64LE(addressOf(LICENCE), LOAD.licence);
  request.write(NAME, LOAD.name);
  request.writeUInt32LE(TRACE_ITER, LOAD.attach);
  request.writeUInt32LE(target, LOAD.function);
  return syscall(SYS.bpf, PROG_LOAD, request, request.length);
}

/** An iterator over the areas of a process, or -errno. */
function iterate(pid: number): number {
  // By a thread's id instead, its areas would be reported again and again.
  const bytes = new Uint8Array(Uint32Array.of(0, pid, 0, 0).buffer);
  const request = Buffer.alloc(LINK.size);
  request.writeUInt32LE(program, LINK.program);
  request.writeUInt32LE(TRACE_ITER, LINK.attach);
  request.writeBigUInt64LE(addressOf(bytes), LINK.target);
  request.writeUInt32LE(bytes.length, LINK.targetSize);
  const link = syscall(SYS.bpf, LINK_CREATE, request, request.length);
  if (link < 0) return link;
  const iterator = syscall(SYS.bpf, ITER_CREATE, BigUint64Array.of(BigInt(link)), 8);
  closeFd(link);
  return iterator;
}

function readRows(iterator: number): AreaFlags {
  for (let length = 0; ;) {
    const got = readSync(iterator, room, length, room.length - length, null);
    length += got;
    if (got === 0) return rowsIn(room, length);
    if (length === room.length) room = Buffer.concat([room], length * 2);
  }
}

/** The areas are reported again for each thread that has a table of descriptors of its own. */
function rowsIn({ buffer, byteOffset }: Buffer, length: number): AreaFlags {
  const rows = new BigUint64Array(buffer.slice(byteOffset, byteOffset + length));
  const [first] = rows;
  for (let at = FLAGS_ROW; at < rows.length; at += FLAGS_ROW) {
    if (rows[at] === first) return rows.subarray(0, at);
  }
  return rows;
}

/** Instructions (kernel documentation, bpf/standardization/instruction-set.rst), and registers. */
const LOAD_WORD = 0x79;
const STORE_WORD = 0x7b;
const MOVE = 0xbf;
const SET = 0xb7;
const ADD = 0x07;
const IF_EQUAL = 0x15;
const CALL = 0x85;
const EXIT = 0x95;
const STACK = 10;

/** Encodes an instruction. */
function instruct(code: number, [to, from]: readonly [number, number], at = 0, value = 0): Buffer {
  const bytes = Buffer.of(code, to | (from << 4), 0, 0, 0, 0, 0, 0);
  bytes.writeInt16LE(at, 2);
  bytes.writeInt32LE(value, 4);
  return bytes;
}

/**
 * A program that is called for each area, and writes a row of words from its structure. Its context has pointers to
 * metadata, whose first member is the file to write to, to the task and to the area, if there is any.
 */
function rowWriter(offsets: readonly number[]): Buffer {
  const row = -8 * offsets.length;
  const copies = offsets.flatMap((offset, index) => [
    instruct(LOAD_WORD, [1, 7], offset),
    instruct(STORE_WORD, [STACK, 1], row + 8 * index),
  ]);
  const write = [
    instruct(LOAD_WORD, [1, 6]),
    instruct(LOAD_WORD, [1, 1]),
    instruct(MOVE, [2, STACK]),
    instruct(ADD, [2, 0], 0, row),
    instruct(SET, [3, 0], 0, -row),
    instruct(CALL, [0, 0], 0, SEQ_WRITE),
  ];
  return Buffer.concat([
    instruct(MOVE, [6, 1]),
    instruct(LOAD_WORD, [7, 6], 16),
    instruct(IF_EQUAL, [7, 0], copies.length + write.length),
    ...copies,
    ...write,
    instruct(SET, [0, 0]),
    instruct(EXIT, [0, 0]),
  ]);
}
