// SPDX-License-Identifier: Apache-2.0
import { readlinkSync } from 'node:fs';
import { addressOf, syscall } from '../../../native/index.js';
import { call, check, closeFd, SYS } from '../../../native/sys.js';
import { decodeBytes, encodeBytes } from '../../../common/bytes.js';
import { AT_FDCWD, EINTR, F, O } from '../../../native/abi/index.js';

/** Of statx(2): AT_EMPTY_PATH, AT_STATX_DONT_SYNC, STATX_MNT_ID (Linux 5.8), and offsets in `struct statx`. */
const AT_EMPTY_PATH = 0x1000;
const AT_STATX_DONT_SYNC = 0x4000;
const STATX_INO = 0x100;
const STATX_MNT_ID = 0x1000;
const STATX_SIZE = 256;
const STATX_INO_AT = 32;
const STATX_DEV_AT = 136;
const STATX_MNT_ID_AT = 144;
/** F_RDLCK. */
const LEASE_READ = 0;

/* Raw calls on descriptors of our own process; most are copies of a tracee's (pidfd_getfd(2)). */

/** `struct open_how` of openat2(2). */
export function openHow(flags: number, mode: number, resolve: number): Uint8Array {
  const how = new BigUint64Array([BigInt(flags), BigInt(mode), BigInt(resolve)]);
  return new Uint8Array(how.buffer);
}

/** A NUL-terminated path; accepts what {@link decodeBytes} made of bytes that are not UTF-8. */
export function cPath(path: string): Uint8Array {
  return Buffer.concat([encodeBytes(path), Buffer.of(0)]);
}

/** openat2(2); returns the descriptor, or `-errno`. Always O_CLOEXEC. */
export function openAt2(directory: number, path: string, flags: number, resolve: number): number {
  return syscall(SYS.openat2, directory, cPath(path), openHow(flags | 0o2000000, 0, resolve), 24);
}

/** Opens a path of our own, such as `/proc/self/fd/5`; the caller closes it. */
export function openOwn(path: string, flags: number): number {
  return call(`open ${path}`, SYS.openat, AT_FDCWD, cPath(path), flags | 0o2000000, 0);
}

/** What a descriptor of ours refers to. */
export function ownLink(fd: number): string {
  return decodeBytes(readlinkSync(`/proc/self/fd/${String(fd)}`, { encoding: 'buffer' }));
}

/** Id of the mount that a descriptor of ours was opened through. */
export function mountIdOf(fd: number): number {
  const found = Buffer.alloc(STATX_SIZE);
  const args = [fd, cPath(''), AT_EMPTY_PATH, STATX_MNT_ID, found] as const;
  call('find the mount of a file', SYS.statx, ...args);
  return Number(found.readBigUInt64LE(STATX_MNT_ID_AT));
}

/**
 * Where a link of /proc leads: equal texts stand for one inode, seen through one mount. Whoever serves the file is not
 * asked.
 */
export function placeOfLink(path: string): string {
  const found = Buffer.alloc(STATX_SIZE);
  const args = [
    AT_FDCWD,
    cPath(path),
    AT_STATX_DONT_SYNC,
    STATX_INO | STATX_MNT_ID,
    found,
  ] as const;
  call(`look at ${path}`, SYS.statx, ...args);
  const hex = (from: number, to: number): string => found.toString('hex', from, to);
  return hex(STATX_INO_AT, STATX_INO_AT + 8) + hex(STATX_DEV_AT, STATX_MNT_ID_AT + 8);
}

/** fcntl(2) with a number; returns the result, or `-errno`. */
export function fcntl(fd: number, command: number, argument = 0): number {
  return syscall(SYS.fcntl, fd, command, argument);
}

/** fcntl(2) with a structure; throws on failure. */
export function fcntlInto(fd: number, command: number, into: Uint8Array): void {
  check(`fcntl ${String(command)}`, syscall(SYS.fcntl, fd, command, into));
}

/** ioctl(2) that returns an int; `undefined` if the file does not support the request. */
export function ioctlInt(fd: number, request: number): number | undefined {
  const value = Buffer.alloc(8);
  return syscall(SYS.ioctl, fd, request, value) < 0 ? undefined : value.readInt32LE(0);
}

/**
 * Whether anyone has a file open for writing, in a way that keeps it from being executed. Tries to take a lease for
 * reading, which excludes that; if leases are not supported, the answer is yes.
 */
export function hasWriteAccess(own: number): boolean {
  const reader = openOwn(`/proc/self/fd/${String(own)}`, O.rdonly | O.nonblock | O.noatime);
  try {
    return fcntl(reader, F.setLease, LEASE_READ) < 0;
  } finally {
    closeFd(reader); // Which gives the lease up.
  }
}

/** Whether an open file accepts O_DIRECT. Sets the flag for a moment. */
export function canBeDirect(own: number): boolean {
  const flags = check('ask for the flags of a file', fcntl(own, F.getfl));
  if (flags & O.direct) return true;
  if (fcntl(own, F.setfl, flags | O.direct) < 0) return false;
  check('restore the flags of a file', fcntl(own, F.setfl, flags));
  return true;
}

/** Which of the events of poll(2) are present now. */
export function pollNow(fd: number, events: number): number {
  const entry = Buffer.alloc(8);
  entry.writeInt32LE(fd, 0);
  entry.writeInt16LE(events, 4);
  let result: number;
  do result = syscall(SYS.poll, entry, 1, 0);
  while (result === -Number(EINTR)); // A signal was pending, which is not for us.
  check('poll', result);
  return entry.readInt16LE(6);
}

/** Both ends of a new pipe: read, write. The caller closes them. */
export function makePipe(): [number, number] {
  const ends = Buffer.alloc(8);
  call('make a pipe', SYS.pipe2, ends, 0o2000000 | 0o4000);
  return [ends.readInt32LE(0), ends.readInt32LE(4)];
}

/** Bytes a pipe can hold. */
export function pipeSize(fd: number): number {
  return check('get the size of a pipe', fcntl(fd, F.getPipeSize));
}

/** An address at which nothing is ever mapped (vm.mmap_min_addr). */
const NOWHERE = 16n;

/** `struct msghdr` for recvmsg(2) with one buffer; fields are read back from `header`. */
export class MessageHeader {
  readonly header = new BigUint64Array(7);
  readonly name = Buffer.alloc(128);
  readonly control: Buffer;
  readonly buffer: Uint8Array;
  readonly #vector: BigUint64Array;

  /** `beyond`: so many bytes more are requested, for which there is no memory. */
  constructor(buffer: Uint8Array, controlSize: number, beyond = 0) {
    this.buffer = buffer;
    this.control = Buffer.alloc(Math.max(controlSize, 1));
    const rest = beyond > 0 ? [NOWHERE, BigInt(beyond)] : [];
    this.#vector = BigUint64Array.of(addressOf(buffer), BigInt(buffer.length), ...rest);
    this.header[0] = addressOf(this.name);
    this.header[1] = BigInt(this.name.length);
    this.header[2] = addressOf(new Uint8Array(this.#vector.buffer));
    this.header[3] = beyond > 0 ? 2n : 1n;
    this.header[4] = controlSize > 0 ? addressOf(this.control) : 0n;
    this.header[5] = BigInt(controlSize);
  }

  /** Receives; returns the length, or `-errno`. */
  receive(socket: number, flags: number): number {
    return syscall(SYS.recvmsg, socket, this.header, flags);
  }

  /** The sender's address as it came. */
  get sender(): Uint8Array {
    const length = Number((this.header[1] ?? 0n) & 0xffffffffn);
    return Uint8Array.from(this.name.subarray(0, Math.min(length, this.name.length)));
  }

  /** The control messages that came. */
  get controls(): Buffer {
    return this.control.subarray(0, Number(this.header[5] ?? 0n));
  }

  /** The message's MSG_* flags. */
  get flags(): number {
    return Number((this.header[6] ?? 0n) & 0xffffffffn);
  }
}
