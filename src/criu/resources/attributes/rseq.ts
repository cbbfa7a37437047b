// SPDX-License-Identifier: Apache-2.0
import { decodeRegisters, encodeRegisters } from '../../arch/index.js';
import type { Sequence } from '../../plan/sequence.js';
import { SYS } from '../../../native/sys.js';
import type { RseqEntry } from '../../image/types.js';
import type { Tracee } from '../../tracee/tracee.js';
import { reader } from '../../../native/structures.js';

/** Offset of rseq_cs in `struct rseq`. Source: linux/rseq.h. */
const RSEQ_CS = 8n;
const DESCRIPTOR_SIZE = 32;
const SIGNATURE_SIZE = 4;

/** The registration that PTRACE_GET_RSEQ_CONFIGURATION reports; undefined if there is none. */
export function rseqEntry(thread: Tracee): RseqEntry | undefined {
  if (thread.state.rseq.length < 16) return undefined;
  const view = reader(thread.state.rseq);
  const pointer = view.readBigUInt64LE(0);
  if (pointer === 0n) return undefined;
  return {
    rseq_abi_pointer: pointer,
    rseq_abi_size: view.readUInt32LE(8),
    signature: view.readUInt32LE(12),
  };
}

/**
 * Registers with which a thread that stopped inside a restartable sequence must go on: those of its abort handler,
 * as after a preemption. Undefined for any other thread.
 *
 * *Precondition:* nothing has run in the thread since it stopped; a remote call makes the kernel
 * forget the sequence (kernel/rseq.c).
 */
export function rseqResume(thread: Tracee): Uint8Array | undefined {
  const entry = rseqEntry(thread);
  if (!entry) return undefined;
  try {
    return abort(thread, entry);
  } catch {
    return undefined; // Not readable: the kernel would not find a sequence either.
  }
}

function abort(thread: Tracee, entry: RseqEntry): Uint8Array | undefined {
  const at = entry.rseq_abi_pointer + RSEQ_CS;
  const pointer = reader(thread.readMemory(at, 8)).readBigUInt64LE(0);
  if (pointer === 0n) return undefined;
  const descriptor = reader(thread.readMemory(pointer, DESCRIPTOR_SIZE));
  const start = descriptor.readBigUInt64LE(8);
  const length = descriptor.readBigUInt64LE(16);
  const handler = descriptor.readBigUInt64LE(24);
  const registers = decodeRegisters(thread.state.registers);
  if (registers.ip < start || registers.ip >= start + length) return undefined;
  const signature = thread.readMemory(handler - BigInt(SIGNATURE_SIZE), SIGNATURE_SIZE);
  if (reader(signature).readUInt32LE(0) !== entry.signature) return undefined;
  // In user mode, so there is no system call to restart.
  return encodeRegisters({ ...registers, ip: handler, orig_ax: 2n ** 64n - 1n });
}

/** Registers a thread's area again; by the thread itself. */
export function planRseq(entry: RseqEntry, sequence: Sequence): void {
  const args = [entry.rseq_abi_pointer, entry.rseq_abi_size, 0, entry.signature];
  sequence.syscall('register restartable sequences', SYS.rseq, args);
}
