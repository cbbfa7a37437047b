// SPDX-License-Identifier: Apache-2.0
import { closeSync, openSync, writeSync } from 'node:fs';
import type { HostPid } from '../../common/ids.js';
import type { RemoteCall } from './tracee.js';

/** Words of a system call as the tracer takes it: number and arguments. */
export const WORDS_PER_CALL = 7;

/** PTRACE_O_SUSPEND_SECCOMP: filters do not see remote calls. */
export const SUSPEND_SECCOMP = 0x00200000;

/** System calls as the tracer takes them. */
export function encodeCalls(calls: readonly RemoteCall[]): BigUint64Array {
  const words = new BigUint64Array(calls.length * WORDS_PER_CALL);
  calls.forEach((call, index) => {
    const at = index * WORDS_PER_CALL;
    words[at] = BigInt(call.nr);
    call.args.forEach((argument, position) => {
      // A new array holds zeros; the array keeps the lower 64 bits of others.
      if (argument !== 0) words[at + 1 + position] = BigInt(argument);
    });
  });
  return words;
}

/** Writes to memory that the process itself may not write (by ptrace's right: /proc/PID/mem, proc(5)). */
export function forceWrite(pid: HostPid, address: bigint, bytes: Uint8Array): void {
  const fd = openSync(`/proc/${String(pid)}/mem`, 'r+');
  try {
    writeSync(fd, bytes, 0, bytes.length, Number(address));
  } finally {
    closeSync(fd);
  }
}
