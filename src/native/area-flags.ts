// SPDX-License-Identifier: Apache-2.0
import { closeSync, readFileSync, readSync } from 'node:fs';
import { BPF, instruct, loadProgram, takeProgram } from './bpf.js';
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
const LINK_CREATE = 28;
const ITER_CREATE = 33;
const TYPE_TRACING = 26;
const TRACE_ITER = 28;
const SEQ_WRITE = 127;
/** Where the attributes are, in bytes. */
const LINK = { program: 0, attach: 8, target: 16, targetSize: 24, size: 64 };
/** Of the program; the number is that of its version. */
const NAME = 'mvas_areas_1';

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
  if (program < 0) program = takeProgram(NAME);
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

function load(): number {
  try {
    const types = new KernelTypes(readFileSync(TYPES));
    const members = ['vm_start', 'vm_end', 'vm_flags'];
    const offsets = types.offsetsOf('vm_area_struct', members);
    const target = types.functionId('bpf_iter_task_vma');
    if (!offsets || target === undefined) return -1;
    const attach = { type: TRACE_ITER, function: target };
    return loadProgram({ name: NAME, type: TYPE_TRACING, code: rowWriter(offsets), attach });
  } catch {
    return -1; // A kernel without types.
  }
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

/**
 * A program that is called for each area, and writes a row of words from its structure. Its context has pointers to
 * metadata, whose first member is the file to write to, to the task and to the area, if there is any.
 */
function rowWriter(offsets: readonly number[]): Buffer {
  const row = -8 * offsets.length;
  const copies = offsets.flatMap((offset, index) => [
    instruct(BPF.load, [1, 7], offset),
    instruct(BPF.store, [BPF.stack, 1], row + 8 * index),
  ]);
  const write = [
    instruct(BPF.load, [1, 6]),
    instruct(BPF.load, [1, 1]),
    instruct(BPF.move, [2, BPF.stack]),
    instruct(BPF.add, [2, 0], 0, row),
    instruct(BPF.set, [3, 0], 0, -row),
    instruct(BPF.call, [0, 0], 0, SEQ_WRITE),
  ];
  return Buffer.concat([
    instruct(BPF.move, [6, 1]),
    instruct(BPF.load, [7, 6], 16),
    instruct(BPF.ifEqual, [7, 0], copies.length + write.length),
    ...copies,
    ...write,
    instruct(BPF.set, [0, 0]),
    instruct(BPF.exit, [0, 0]),
  ]);
}
