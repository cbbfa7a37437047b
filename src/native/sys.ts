// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:os';
import { ShimError, type ErrorKind } from '../common/errors.js';
import { addressOf, syscall, type SyscallArgument } from './index.js';

/** Numbers of x86-64 system calls (asm/unistd_64.h). */
// prettier-ignore
export const SYS = {
  read: 0, write: 1, open: 2, close: 3, poll: 7, lseek: 8, mmap: 9, mprotect: 10, munmap: 11, brk: 12,
  rt_sigaction: 13, rt_sigprocmask: 14, ioctl: 16, pread64: 17, pwrite64: 18, mremap: 25, madvise: 28,
  dup: 32, dup2: 33, getitimer: 36, setitimer: 38, getpid: 39, socket: 41, connect: 42, accept: 43,
  sendto: 44, recvfrom: 45, sendmsg: 46, recvmsg: 47, shutdown: 48, bind: 49, listen: 50,
  getsockname: 51, getpeername: 52, socketpair: 53, setsockopt: 54, getsockopt: 55, exit: 60,
  wait4: 61, kill: 62, fcntl: 72, flock: 73, ftruncate: 77, chdir: 80, fchdir: 81, mkdir: 83,
  rmdir: 84, unlink: 87, symlink: 88, fchmod: 91, fchown: 93, umask: 95, ptrace: 101, setpgid: 109,
  setsid: 112, setreuid: 113, setgroups: 116, setresuid: 117, setresgid: 119, setfsuid: 122,
  setfsgid: 123, capget: 125, capset: 126, rt_sigtimedwait: 128, rt_sigqueueinfo: 129,
  sigaltstack: 131, mknod: 133, personality: 135, getpriority: 140, setpriority: 141,
  sched_setparam: 142, sched_setscheduler: 144, mlock: 149, mlockall: 151, prctl: 157,
  arch_prctl: 158, setrlimit: 160, chroot: 161, mount: 165, umount2: 166, gettid: 186, futex: 202,
  sched_setaffinity: 203, sched_getaffinity: 204, epoll_create: 213, set_tid_address: 218,
  timer_create: 222, timer_settime: 223, timer_gettime: 224, timer_getoverrun: 225,
  timer_delete: 226, exit_group: 231, epoll_ctl: 233, tgkill: 234, waitid: 247, keyctl: 250,
  ioprio_set: 251, ioprio_get: 252, inotify_init: 253, inotify_add_watch: 254, openat: 257, mkdirat: 258,
  mknodat: 259, fchownat: 260, unlinkat: 263, linkat: 265, symlinkat: 266, fchmodat: 268,
  unshare: 272, set_robust_list: 273, get_robust_list: 274, splice: 275, tee: 276, utimensat: 280,
  fallocate: 285, timerfd_create: 283, timerfd_settime: 286, timerfd_gettime: 287, accept4: 288,
  signalfd4: 289, eventfd2: 290, epoll_create1: 291, dup3: 292, pipe2: 293, inotify_init1: 294,
  rt_tgsigqueueinfo: 297, prlimit64: 302, open_by_handle_at: 304, setns: 308, process_vm_readv: 310,
  process_vm_writev: 311, kcmp: 312, sched_setattr: 314, sched_getattr: 315, seccomp: 317,
  memfd_create: 319, membarrier: 324, mlock2: 325, rseq: 334, pidfd_send_signal: 424,
  pidfd_open: 434, clone3: 435, close_range: 436, openat2: 437, pidfd_getfd: 438,
} as const;

const O_CLOEXEC = 0o2000000;

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
};

/** `ENOENT` for 2 or -2; `errno 999` for what nobody knows. */
export function errnoName(errno: number): string {
  return ERRNO_NAMES.get(Math.abs(errno)) ?? `errno ${String(Math.abs(errno))}`;
}

/** The error of a failed system call: `attempt: ENOENT`, its kind by the errno. */
export function errnoError(attempt: string, errno: number): ShimError {
  const name = errnoName(errno);
  return new ShimError(KINDS[name] ?? 'unknown', `${attempt}: ${name}`);
}

/** Passes a result on, or throws what {@link errnoError} makes of it. */
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
export function openPidfd(pid: number): number {
  return check(`open a pidfd of pid ${String(pid)}`, syscall(SYS.pidfd_open, pid, 0));
}

/** A duplicate of a descriptor of another process (pidfd_getfd(2), Linux 5.6); the caller closes it. */
export function stealFd(pidfd: number, fd: number): number {
  return check(`get fd ${String(fd)} by pidfd`, syscall(SYS.pidfd_getfd, pidfd, fd, 0));
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
 * Bytes of another process's memory. Throws when not all can be read. Not by process_vm_readv(2), which
 * takes from the process what it shares with others since a fork: it gets a copy (mm/gup.c).
 */
export function readProcess(
  pid: number,
  address: bigint,
  length: number,
  who = `pid ${String(pid)}`,
): Uint8Array {
  const bytes = new Uint8Array(length);
  const path = cString(`/proc/${String(pid)}/mem`);
  const memory = call(`open the memory of ${who}`, SYS.open, path, O_CLOEXEC);
  const got = syscall(SYS.pread64, memory, bytes, length, address);
  closeFd(memory);
  if (got !== length) throw memoryError(`read ${describe(who, address, length)}`, got);
  return bytes;
}

/** Writes into another process's memory (process_vm_writev(2)). Throws when not all can be written. */
export function writeProcess(
  pid: number,
  address: bigint,
  bytes: Uint8Array,
  who = `pid ${String(pid)}`,
): void {
  const got = transfer(pid, address, bytes);
  if (got !== bytes.length) {
    throw memoryError(`write ${describe(who, address, bytes.length)}`, got);
  }
}

function transfer(pid: number, address: bigint, bytes: Uint8Array): number {
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

const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_NOSIGNAL = 0x4000;

/** Sends one message with descriptors (sendmsg(2), SCM_RIGHTS) on a connected socket. */
export function sendWithFds(socket: number, message: Uint8Array, fds: readonly number[]): void {
  const control = Buffer.alloc(16 + Math.ceil(fds.length / 2) * 8);
  control.writeBigUInt64LE(BigInt(16 + fds.length * 4), 0);
  control.writeInt32LE(SOL_SOCKET, 8);
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
  // What the header points to comes along as arguments nobody reads: it must live until the call is over.
  const sent = syscall(SYS.sendmsg, socket, header, MSG_NOSIGNAL, message, control, vector);
  check('send a message', sent);
}

/** Makes a system call with any arguments and throws on failure. */
export function call(attempt: string, nr: number, ...args: SyscallArgument[]): number {
  return check(attempt, syscall(nr, ...args));
}
