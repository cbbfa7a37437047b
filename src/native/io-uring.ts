// SPDX-License-Identifier: Apache-2.0
import { MAP_SHARED, PROT_READ_WRITE } from './abi/index.js';
import { syscall } from './index.js';
import { call, closeFd, cString, SYS } from './sys.js';

/*
 * Requests to an io_uring of any process, by a descriptor of ours (linux/io_uring.h). None of them changes the
 * io_uring, or leaves anything of it in us.
 */

/** Flags of io_uring_setup(2). */
export const IORING_SETUP = {
  ioPoll: 1 << 0,
  sqPoll: 1 << 1,
  cqSize: 1 << 3,
  clamp: 1 << 4,
  attachWq: 1 << 5,
  disabled: 1 << 6,
  submitAll: 1 << 7,
  coopTaskrun: 1 << 8,
  taskrunFlag: 1 << 9,
  wideEntries: 1 << 10,
  wideCompletions: 1 << 11,
  singleIssuer: 1 << 12,
  deferTaskrun: 1 << 13,
  noMmap: 1 << 14,
  noArray: 1 << 16,
  mixedCompletions: 1 << 18,
} as const;

/** Offsets by which its memory is mapped, and the first that maps buffers instead. */
export const IORING_OFFSET = {
  rings: 0n,
  completions: 0x8000000n,
  entries: 0x10000000n,
  buffers: 0x80000000n,
} as const;

/** Bytes of `struct io_uring_params`, and of an entry of each ring. */
export const URING_PARAMS_BYTES = 120;
export const SUBMISSION_BYTES = 64;
export const COMPLETION_BYTES = 16;

/** Operations of io_uring_register(2). */
export const IORING_REGISTER = {
  buffers: 0,
  eventfd: 4,
  eventfdAsync: 7,
  restrictions: 11,
  enable: 12,
  files: 13,
  taggedBuffers: 15,
  descriptors: 20,
  bufferRing: 22,
  allocRange: 25,
  napi: 27,
  clock: 29,
} as const;
const MAP_SHARED_POPULATE = 0x8001;
const MFD_CLOEXEC = 1;
/** More than an io_uring can have. */
const MANY_BYTES = 1 << 28;
const NULL_PAGE = 4096n;
const EFAULT = -14;
const EEXIST = -17;
const EBUSY = -16;
const EINVAL = -22;
const EBADFD = -77;

/**
 * Why an io_uring is of another kind than the plain ones: only one thread may use it, what it may do is restricted,
 * or it waits to be enabled. `undefined` for a plain one.
 */
export function exclusivity(fd: number): string | undefined {
  const answer = syscall(SYS.io_uring_register, fd, IORING_REGISTER.restrictions, null, 0);
  if (answer === EBADFD) return undefined;
  if (answer === EEXIST) return 'that only one thread may use (IORING_SETUP_SINGLE_ISSUER)';
  return 'that was made with restrictions (IORING_SETUP_R_DISABLED)';
}

/** Whether an eventfd is told of its completions. */
export function hasEventfd(fd: number): boolean {
  return syscall(SYS.io_uring_register, fd, IORING_REGISTER.eventfd, null, 1) === EBUSY;
}

/**
 * Whether it polls devices for completions (IORING_SETUP_IOPOLL), which excludes busy polling of sockets (Linux 6.9);
 * before that, such a one does not look at all of the argument of a wait.
 */
export function isPolling(fd: number): boolean {
  return (
    syscall(SYS.io_uring_register, fd, IORING_REGISTER.napi, NULL_PAGE, 1) !== EFAULT &&
    pollsByWait(fd)
  );
}

const IORING_ENTER_GETEVENTS = 1;
const IORING_ENTER_EXT_ARG = 8;

/** Waits for nothing, with an argument that only a wait without polling refuses. */
function pollsByWait(fd: number): boolean {
  const argument = new Uint8Array(24);
  argument[12] = 1; // A padding that has to be zero; since Linux 6.12 it is a time.
  const flags = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG;
  return syscall(SYS.io_uring_enter, fd, 0, 0, flags, argument, argument.length) !== EINVAL;
}

/** Whether a group of buffers is registered with it. Tries to register one that cannot be there. */
export function hasBufferGroup(fd: number, group: number): boolean {
  const request = Buffer.alloc(40);
  request.writeBigUInt64LE(NULL_PAGE, 0);
  request.writeUInt32LE(1, 8);
  request.writeUInt16LE(group, 12);
  return syscall(SYS.io_uring_register, fd, IORING_REGISTER.bufferRing, request, 1) === EEXIST;
}

/** Where the completions begin in the memory of the rings, behind the heads and tails. */
export function headerSize(): number {
  const params = Buffer.alloc(URING_PARAMS_BYTES);
  const fd = call('make an io_uring', SYS.io_uring_setup, 1, params);
  closeFd(fd);
  return params.readUInt32LE(80 + 20);
}

/** The memory that an io_uring shares with those who use it, mapped into our process until {@link close}. */
export class RingMemory {
  readonly #address: number;
  readonly #size: number;
  readonly #copy: number;

  /** @throws ShimError if it cannot be mapped, as that of one whose memory is its user's (IORING_SETUP_NO_MMAP) */
  constructor(fd: number, offset: bigint, size: number) {
    this.#size = size;
    const args = [0, size, PROT_READ_WRITE, MAP_SHARED_POPULATE, fd, offset] as const;
    this.#address = call('map an io_uring', SYS.mmap, ...args);
    this.#copy = call('make a memfd', SYS.memfd_create, cString('io_uring'), MFD_CLOEXEC);
  }

  /** Its bytes now. On some kernels only the mapping itself can be read. */
  read(): Buffer {
    const bytes = Buffer.alloc(this.#size);
    call('copy an io_uring', SYS.pwrite64, this.#copy, this.#address, this.#size, 0);
    call('copy an io_uring', SYS.pread64, this.#copy, bytes, this.#size, 0);
    return bytes;
  }

  /** Changes a number of 32 bits. */
  write(at: number, value: number): void {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value >>> 0);
    call('write to an io_uring', SYS.pwrite64, this.#copy, bytes, 4, 0);
    call('write to an io_uring', SYS.pread64, this.#copy, this.#address + at, 4, 0);
  }

  close(): void {
    syscall(SYS.munmap, this.#address, this.#size);
    closeFd(this.#copy);
  }
}

/**
 * Whether the memory at an offset has a page of this number. Some kernels map no more than there is, others leave
 * the rest of a mapping empty (Linux 6.10).
 */
export function hasPage(fd: number, offset: bigint, page: number): boolean {
  const size = (page + 1) * 4096;
  const address = syscall(SYS.mmap, 0, size, PROT_READ_WRITE, MAP_SHARED, fd, offset);
  if (address < 0) return false;
  // The kernel reads the mask before it finds that there is nothing to do with it.
  const isThere = syscall(SYS.rt_sigprocmask, -1, address + page * 4096, null, 8) !== EFAULT;
  syscall(SYS.munmap, address, size);
  return isThere;
}

/** Whether more can be mapped than there is. */
export function mapsBeyond(fd: number, offset: bigint): boolean {
  const address = syscall(SYS.mmap, 0, MANY_BYTES, PROT_READ_WRITE, MAP_SHARED, fd, offset);
  if (address >= 0) syscall(SYS.munmap, address, MANY_BYTES);
  return address >= 0;
}
