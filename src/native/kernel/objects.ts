// SPDX-License-Identifier: Apache-2.0
import type { KernelLayout } from './layout.js';
import { currentTask, readKernel, UnreadableKernel } from './memory.js';

/** Most objects in a list: beyond that it is none. */
export const MOST_IN_LIST = 100_000;

/** Objects of the kernel, by address. Every method throws UnreadableKernel. */
export class KernelObjects {
  readonly layout: KernelLayout;

  constructor(layout: KernelLayout) {
    this.layout = layout;
  }

  pointer(address: bigint, offset: number): bigint {
    return readKernel(address + BigInt(offset), 8).readBigUInt64LE(0);
  }

  /** A number of 32 bits. */
  number(address: bigint, offset: number): number {
    return readKernel(address + BigInt(offset), 4).readUInt32LE(0);
  }

  /** A bit of a structure, at a number of bytes and eighths. */
  bit(address: bigint, offset: number): boolean {
    const byte = Math.floor(offset);
    const bits = readKernel(address + BigInt(byte), 1).readUInt8(0);
    return (bits & (1 << Math.round((offset - byte) * 8))) !== 0;
  }

  /** Pointers one after the other. */
  pointers(address: bigint, count: number): bigint[] {
    const bytes = readKernel(address, 8 * count);
    return Array.from({ length: count }, (_, index) => bytes.readBigUInt64LE(8 * index));
  }

  /** The private data of an open file of this process. */
  privateData(fd: number): bigint {
    const { fdtable, file } = this.layout;
    const table = this.#table();
    if (fd < 0 || fd >= this.number(table, fdtable.max_fds))
      throw new UnreadableKernel('no such descriptor');
    const opened = this.pointer(this.pointer(table, fdtable.fd), fd * 8);
    return this.pointer(opened, file.private_data);
  }

  /** The open files of this process (`struct file`), by descriptor; 0 where there is none. */
  openFiles(): bigint[] {
    const { fdtable } = this.layout;
    const table = this.#table();
    return this.pointers(this.pointer(table, fdtable.fd), this.number(table, fdtable.max_fds));
  }

  #table(): bigint {
    const { task_struct: task, files_struct: files } = this.layout;
    return this.pointer(this.pointer(currentTask(), task.files), files.fdt);
  }

  /** The `struct sock` of a socket of this process. */
  sockOf(fd: number): bigint {
    return this.pointer(this.privateData(fd), this.layout.socket.sk);
  }

  /** The number of a process in this process's own pid namespace, given its `struct pid`; 0 if it has none there. */
  numberOf(pid: bigint): number {
    if (pid === 0n) return 0;
    const { task_struct: task } = this.layout;
    const own = this.#numbers(this.pointer(currentTask(), task.thread_pid));
    const theirs = this.#numbers(pid);
    const [here, there] = [own.at(-1), theirs[own.length - 1]];
    return here !== undefined && there?.namespace === here.namespace ? there.number : 0;
  }

  /** From that in the first pid namespace to that in its own. */
  #numbers(pid: bigint): { readonly number: number; readonly namespace: bigint }[] {
    const { level: levelAt, numbers } = this.layout.pid;
    const level = readKernel(pid + BigInt(levelAt), 4).readUInt32LE(0);
    if (level > MOST_NESTED) throw new UnreadableKernel('no pid');
    const rows = readKernel(pid + BigInt(numbers), (level + 1) * UPID);
    return Array.from({ length: level + 1 }, (_, index) => ({
      number: rows.readInt32LE(index * UPID),
      namespace: rows.readBigUInt64LE(index * UPID + 8),
    }));
  }
}

/** MAX_PID_NS_LEVEL (linux/pid_namespace.h), and the size of `struct upid`. */
const MOST_NESTED = 32;
const UPID = 16;
