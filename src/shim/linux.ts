// SPDX-License-Identifier: Apache-2.0
import { fchownSync } from 'node:fs';
import { constants } from 'node:os';
import { ShimError } from '../common/errors.js';
import { MSG, O, PR, SOL } from '../native/abi/index.js';
import { addressOf, syscall } from '../native/index.js';
import { check, cString, errnoName, SYS } from '../native/sys.js';

/** The few system calls that the shim needs and Node does not offer. All return at once. */

const TIOCSWINSZ = 0x5414;
const UMOUNT_NOFOLLOW = 8;

/**
 * A pipe: read end, write end; both close on exec. If the owner is not us, it can reopen the pipe through /proc, as
 * processes do that write to /dev/stdout.
 */
export function pipe(owner = { uid: 0, gid: 0 }): readonly [number, number] {
  const fds = Buffer.alloc(8);
  check('make a pipe', syscall(SYS.pipe2, fds, O.cloexec));
  const ends = [fds.readInt32LE(0), fds.readInt32LE(4)] as const;
  // Both ends are one inode.
  if (owner.uid !== 0 || owner.gid !== 0) fchownSync(ends[0], owner.uid, owner.gid);
  return ends;
}

/** A second descriptor of the same open file; closes on exec. */
export function duplicate(fd: number): number {
  const F_DUPFD_CLOEXEC = 1030;
  return check(`duplicate descriptor ${fd}`, syscall(SYS.fcntl, fd, F_DUPFD_CLOEXEC, 3));
}

/** Makes an open file non-blocking (fcntl(2)). */
export function setNonBlocking(fd: number): void {
  const F_SETFL = 4;
  check(`make descriptor ${fd} non-blocking`, syscall(SYS.fcntl, fd, F_SETFL, O.nonblock));
}

/** Makes this process the parent of its descendants' orphans (prctl(2)). */
export function becomeSubreaper(): void {
  check('become a subreaper', syscall(SYS.prctl, PR.setChildSubreaper, 1, 0, 0, 0));
}

/** mount(2). @throws ShimError `unknown` */
export function mount(
  source: string,
  target: string,
  options: { readonly type: string; readonly flags: number; readonly data: string },
): void {
  const { type, flags, data } = options;
  const result = syscall(
    SYS.mount,
    cString(source),
    cString(target),
    cString(type),
    flags,
    cString(data),
  );
  if (result >= 0) return;
  // Not by errno: containerd would take "not found" for the task.
  throw new ShimError('unknown', `mount ${type} ${source} on ${target}: ${errnoName(result)}`);
}

/** umount2(2), not following a symbolic link; a path that is not a mount point is not an error. */
export function unmount(target: string, flags: number): void {
  const result = syscall(SYS.umount2, cString(target), flags | UMOUNT_NOFOLLOW);
  if (result === -constants.errno.EINVAL || result === -constants.errno.ENOENT) return;
  check(`unmount ${target}`, result);
}

/** Bytes in a pipe or FIFO (pipe(7), FIONREAD). */
export function unreadBytes(fd: number): number {
  const FIONREAD = 0x541b;
  const count = Buffer.alloc(4);
  check('ask a pipe for its content', syscall(SYS.ioctl, fd, FIONREAD, count));
  return count.readInt32LE(0);
}

/** Sets the size of a terminal, through its master (ioctl_tty(2)). */
export function setWindowSize(fd: number, width: number, height: number): void {
  const size = Buffer.alloc(8);
  size.writeUInt16LE(height & 0xffff, 0);
  size.writeUInt16LE(width & 0xffff, 2);
  check('set the size of a terminal', syscall(SYS.ioctl, fd, TIOCSWINSZ, size));
}

/**
 * Receives the file descriptor that came with a message on a unix socket (SCM_RIGHTS, unix(7)), if there was one.
 * Closes on exec.
 */
export function receiveFd(socketFd: number): number | undefined {
  const MSG_CMSG_CLOEXEC = 0x40000000;
  const text = Buffer.alloc(4096);
  const control = Buffer.alloc(64);
  const vector = Buffer.alloc(16);
  vector.writeBigUInt64LE(addressOf(text), 0);
  vector.writeBigUInt64LE(BigInt(text.length), 8);
  // struct msghdr: name, namelen, iov, iovlen, control, controllen, flags
  const header = Buffer.alloc(56);
  header.writeBigUInt64LE(addressOf(vector), 16);
  header.writeBigUInt64LE(1n, 24);
  header.writeBigUInt64LE(addressOf(control), 32);
  header.writeBigUInt64LE(BigInt(control.length), 40);
  if (syscall(SYS.recvmsg, socketFd, header, MSG_CMSG_CLOEXEC | MSG.dontwait) < 0) return undefined;
  const isRights = control.readInt32LE(8) === SOL.socket && control.readInt32LE(12) === 1;
  return header.readBigUInt64LE(40) < 20n || !isRights ? undefined : control.readInt32LE(16);
}
