// SPDX-License-Identifier: Apache-2.0
import { syscall } from './index.js';
import { SYS } from './sys.js';

/*
 * Requests to a userfaultfd of any process (linux/userfaultfd.h). Each returns 0 or more, or -errno.
 */

/** `_IOWR(0xAA, 0x3F, struct uffdio_api)`. */
const UFFDIO_API = 0xc018aa3f;
const UFFD_API = 0xaan;
const UFFD_FEATURE_WP_ASYNC = 1n << 15n;
/** `_IOWR(0xAA, 0, struct uffdio_register)`. */
const UFFDIO_REGISTER = 0xc020aa00;
const UFFDIO_REGISTER_MODE_WP = 2n;
/** `_IOR(0xAA, 1, struct uffdio_range)`. */
const UFFDIO_UNREGISTER = 0x8010aa01;

/** Makes a new one track writes by itself. */
export function makeAsync(fd: number): number {
  const request = BigUint64Array.of(UFFD_API, UFFD_FEATURE_WP_ASYNC, 0n);
  return syscall(SYS.ioctl, fd, UFFDIO_API, request);
}

/** Registers memory for write-protection. */
export function register(fd: number, start: bigint, length: bigint): number {
  const request = BigUint64Array.of(start, length, UFFDIO_REGISTER_MODE_WP, 0n);
  return syscall(SYS.ioctl, fd, UFFDIO_REGISTER, request);
}

/** Undoes that; no page of the memory is protected any more. */
export function unregister(fd: number, start: bigint, length: bigint): number {
  return syscall(SYS.ioctl, fd, UFFDIO_UNREGISTER, BigUint64Array.of(start, length));
}
