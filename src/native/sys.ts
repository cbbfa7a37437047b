// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:os';
import type { HostPid } from '../common/ids.js';
import { ShimError, type ErrorKind } from '../common/errors.js';
import { MSG, O, SOL, SYS } from './abi/index.js';
import { addressOf, syscall, type SyscallArgument } from './index.js';

export { SYS } from './abi/index.js';

const ERRNO_NAMES = new Map(
  Object.entries(constants.errno).map(([name, number]) => [number, name]),
);

const KINDS: Readonly<Record<string, ErrorKind>> = {
  EPERM: 'permissionDenied',
  EACCES: 'permissionDenied',
  ENOENT: 'notFound',
  ESRCH: 'notFound',
  EEXIST: 'alreadyExists',
  EINVAL: 'invalidArgument',
  ENOMEM: 'resourceExhausted',
  EMFILE: 'resourceExhausted',
  ENFILE: 'resourceExhausted',
  ENOSPC: 'resourceExhausted',
  EDQUOT: 'resourceExhausted',
  EROFS: 'permissionDenied',
};

/** `ENOENT` for 2 or -2; `errno 999` for an unknown one. */
export function errnoName(errno: number): string {
  return ERRNO_NAMES.get(Math.abs(errno)) ?? `errno ${String(Math.abs(errno))}`;
}

/** The error of a failed system call: `attempt: ENOENT`, its kind by the errno. */
export function errnoError(attempt: string, errno: number): ShimError {
  const name = errnoName(errno);
  return new ShimError(KINDS[name] ?? 'unknown', `${attempt}: ${name}`);
}

/** Returns a result as it is, or throws {@link errnoError} for it. */
export function check(attempt: string, result: number): number {
  if (result < 0) throw errnoError(attempt, result);
  return result;
}

/** A NUL-terminated string for a system call. */
export function cString(text: string): Uint8Array {
  return Buffer.from(`${text}\0`);
}

/** Closes a descriptor made by a raw system call. */
export function closeFd(fd: number): void {
  syscall(SYS.close, fd);
}

/** A pidfd of a process (pidfd_open(2)); the caller closes it. */
export function openPidfd(pid: HostPid): number {
  return check(`open a pidfd of pid ${String(pid)}`, syscall(SYS.pidfd_open, pid, 0));
}

/** An anonymous memory file with the given content; the caller closes it. */
export function memfd(name: string, content: Uint8Array): number {
  const fd = check(`make memory file ${name}`, syscall(SYS.memfd_create, cString(name), 1));
  let done = 0;
  while (done < content.length) {
    const part = content.subarray(done, done + 0x4000000);
    done += check(`fill memory file ${name}`, syscall(SYS.pwrite64, fd, part, part.length, done));
  }
  return fd;
}

/** A `struct iovec` array of one element. Keep `bytes` alive while it is used. */
function iovec(address: bigint, length: number): BigUint64Array {
  return BigUint64Array.of(address, BigInt(length));
}

/**
 * Bytes of another process's memory. Throws when not all can be read. Avoids process_vm_readv(2),
 * which gives the process a copy of each page that it shares with others since a fork (mm/gup.c).
 */
export function readProcess(
  pid: HostPid,
  address: bigint,
  length: number,
  who = `pid ${String(pid)}`,
): Uint8Array {
  const bytes = new Uint8Array(length);
  const path = cString(`/proc/${String(pid)}/mem`);
  const memory = call(`open the memory of ${who}`, SYS.open, path, O.cloexec);
  const got = syscall(SYS.pread64, memory, bytes, length, address);
  closeFd(memory);
  if (got !== length) throw memoryError(`read ${describe(who, address, length)}`, got);
  return bytes;
}

/** Writes into another process's memory (process_vm_writev(2)). Throws when not all can be written. */
export function writeProcess(
  pid: HostPid,
  address: bigint,
  bytes: Uint8Array,
  who = `pid ${String(pid)}`,
): void {
  const got = transfer(pid, address, bytes);
  if (got !== bytes.length) {
    throw memoryError(`write ${describe(who, address, bytes.length)}`, got);
  }
}

function transfer(pid: HostPid, address: bigint, bytes: Uint8Array): number {
  if (bytes.length === 0) return 0;
  const local = iovec(addressOf(bytes), bytes.length);
  return syscall(SYS.process_vm_writev, pid, local, 1, iovec(address, bytes.length), 1, 0);
}

function describe(who: string, address: bigint, length: number): string {
  return `${String(length)} bytes at 0x${address.toString(16)} of ${who}`;
}

function memoryError(attempt: string, got: number): ShimError {
  return got < 0
    ? errnoError(attempt, got)
    : new ShimError('aborted', `${attempt}: only ${String(got)}`);
}

const SCM_RIGHTS = 1;

/** Sends one message with descriptors (sendmsg(2), SCM_RIGHTS) on a connected socket. */
export function sendWithFds(socket: number, message: Uint8Array, fds: readonly number[]): void {
  const control = Buffer.alloc(16 + Math.ceil(fds.length / 2) * 8);
  control.writeBigUInt64LE(BigInt(16 + fds.length * 4), 0);
  control.writeInt32LE(SOL.socket, 8);
  control.writeInt32LE(SCM_RIGHTS, 12);
  fds.forEach((fd, index) => control.writeInt32LE(fd, 16 + index * 4));
  const vector = iovec(addressOf(message), message.length);
  const header = new BigUint64Array(7);
  header[2] = addressOf(new Uint8Array(vector.buffer));
  header[3] = 1n;
  if (fds.length > 0) {
    header[4] = addressOf(control);
    header[5] = BigInt(control.length);
  }
  // What the header points to is passed in unused arguments, so that it lives until the call ends.
  const sent = syscall(SYS.sendmsg, socket, header, MSG.nosignal, message, control, vector);
  check('send a message', sent);
}

/** Makes a system call with any arguments and throws on failure. */
export function call(attempt: string, nr: number, ...args: SyscallArgument[]): number {
  return check(attempt, syscall(nr, ...args));
}

/**
 * Ends this process at once (exit_group(2)), without running handlers or waiting for threads, which a fork of a
 * standby does not have.
 */
export function exitNow(status: number): never {
  syscall(SYS.exit_group, status);
  throw new ShimError('internal', 'exit_group returned');
}
