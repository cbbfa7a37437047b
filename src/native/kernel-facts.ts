// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync } from 'node:fs';
import { MADV_COLLAPSE, MADV_GUARD_INSTALL, O, PR } from './abi/index.js';
import { addressOf, syscall } from './index.js';
import { headerSize } from './io-uring.js';
import { askKey, isAllocated } from './protection-keys.js';
import { call, closeFd, cString, errnoName, SYS } from './sys.js';
import { makeAsync } from './userfaultfd.js';

/*
 * What this kernel can do, asked of the kernel itself rather than inferred from its version. Each question is
 * asked once in a process, when its answer is first needed. No question changes anything.
 */

/** Remembers the first answer; a question that throws is asked again. */
function once<T>(ask: () => T): () => T {
  let known: { readonly answer: T } | undefined;
  return () => (known ??= { answer: ask() }).answer;
}

/** The number of the last capability that it knows. */
export const lastCapability = once(() =>
  Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'utf8')),
);

const RESTORE_IDS_GET = 2;

/** Whether it makes timers with wanted ids (PR_TIMER_CREATE_RESTORE_IDS, Linux 6.15). */
export const hasTimerIds = once(
  () => syscall(SYS.prctl, PR.timerCreateRestoreIds, RESTORE_IDS_GET, 0, 0, 0) >= 0,
);

/** Whether memfd_create(2) knows MFD_EXEC and MFD_NOEXEC_SEAL (Linux 6.3). */
export const hasMemfdExecutability = once(() => existsSync('/proc/sys/vm/memfd_noexec'));

/** Whether it tells an eventfd from a semaphore (eventfd(2), EFD_SEMAPHORE, in fdinfo; Linux 6.5). */
export const tellsSemaphores = once(() => {
  const fd = call('make an eventfd', SYS.eventfd2, 0, O.cloexec);
  const text = readFileSync(`/proc/self/fdinfo/${String(fd)}`, 'utf8');
  closeFd(fd);
  return text.includes('eventfd-semaphore:');
});

/** `_IOWR('f', 16, struct pm_scan_arg)` (linux/fs.h, Linux 6.7). */
export const PAGEMAP_SCAN = 0xc0606610;
const PAGE_IS_PRESENT = 8n;
/** The category of pages that must not be touched (Linux 6.15). */
export const PAGE_IS_GUARD = 256n;

/** What it can report about the pages of a process at once: guards apart from other pages, or not. */
export type PageScan = 'guards' | 'plain' | 'none';

/** Whether it has PAGEMAP_SCAN, and whether that reports guards. */
export const pageScan = once((): PageScan => {
  const fd = call('open /proc/self/pagemap', SYS.open, cString('/proc/self/pagemap'), O.cloexec);
  const knows = (categories: bigint): boolean => {
    const nothing = [96n, 0n, 0n, 0n, 0n, 0n, 0n, 0n, 0n, 0n]; // An empty range, and no room for an answer.
    const argument = BigUint64Array.of(...nothing, categories, categories);
    return syscall(SYS.ioctl, fd, PAGEMAP_SCAN, argument) >= 0;
  };
  try {
    if (!knows(PAGE_IS_PRESENT)) return 'none';
    return knows(PAGE_IS_PRESENT | PAGE_IS_GUARD) ? 'guards' : 'plain';
  } finally {
    closeFd(fd);
  }
});

/** Whether it knows an advice of madvise(2). Asks about an empty range, so that no memory is touched. */
function knowsAdvice(advice: number): boolean {
  return syscall(SYS.madvise, 0, 0, advice) >= 0;
}

/** Whether it makes huge pages on request (MADV_COLLAPSE, Linux 6.1). */
export const canCollapse = once(() => knowsAdvice(MADV_COLLAPSE));

/** Whether memory can have guards (MADV_GUARD_INSTALL, Linux 6.13). */
export const hasGuards = once(() => knowsAdvice(MADV_GUARD_INSTALL));

/** CLONE_ARGS_SIZE_VER1: with `set_tid` (Linux 5.5). */
const CLONE_ARGS_BYTES = 80;
const SIGCHLD = 17n;
const EEXIST = -17;

/**
 * Why no process with a wanted pid can be made (clone3(2), `set_tid`): the errno's name; empty if one can. Asks for
 * our own pid, which is taken, so that nothing is made.
 */
export const whyNoWantedPids = once((): string => {
  const own = new Uint8Array(Int32Array.of(syscall(SYS.getpid)).buffer);
  const request = new BigUint64Array(CLONE_ARGS_BYTES / 8);
  request[4] = SIGCHLD;
  request[8] = addressOf(own);
  request[9] = 1n;
  const result = syscall(SYS.clone3, request, CLONE_ARGS_BYTES, own);
  return result === EEXIST ? '' : errnoName(result);
});

/** Whether memory can have protection keys (pkeys(7)): processor and kernel know them. A process begins with key 0. */
export const hasProtectionKeys = once(() => isAllocated(syscall(...askKey(0))));

const KCMP_FILE = 0;

/** Whether it compares resources of two processes (kcmp(2)). */
export const hasKcmp = once(() => {
  const self = syscall(SYS.getpid);
  const fd = call('open /proc/self/status', SYS.open, cString('/proc/self/status'), O.cloexec);
  const result = syscall(SYS.kcmp, self, self, KCMP_FILE, fd, fd);
  closeFd(fd);
  return result === 0;
});

/** Whether descriptors can be taken from other processes (pidfd_getfd(2), Linux 5.6). */
export const canTakeFds = once(() => {
  const self = syscall(SYS.pidfd_open, syscall(SYS.getpid), 0);
  if (self < 0) return false;
  const taken = syscall(SYS.pidfd_getfd, self, self, 0);
  if (taken >= 0) closeFd(taken);
  closeFd(self);
  return taken >= 0;
});

const PR_SET_MM_MAP_SIZE = 15;

/** Whether it was built with support for restoring processes (CONFIG_CHECKPOINT_RESTORE). */
export const isBuiltForRestore = once(
  () => syscall(SYS.prctl, PR.setMm, PR_SET_MM_MAP_SIZE, new Uint8Array(4), 0, 0) >= 0,
);

const PTRACE_SEIZE = 0x4206;
const PTRACE_O_SUSPEND_SECCOMP = 0x00200000;
const EINVAL = -22;

/**
 * Whether a tracer can suspend seccomp filters (PTRACE_O_SUSPEND_SECCOMP, Linux 4.3). It is tried on ourselves, whom
 * we cannot trace: a kernel that knows the option answers EPERM.
 */
export const canSuspendSeccomp = once(
  () =>
    syscall(SYS.ptrace, PTRACE_SEIZE, syscall(SYS.getpid), 0, PTRACE_O_SUSPEND_SECCOMP) !== EINVAL,
);

/** Whether it can track by itself what is written to from a given moment on (UFFD_FEATURE_WP_ASYNC, Linux 6.7). */
export const hasAsyncWriteTracking = once(() => {
  const fd = syscall(SYS.userfaultfd, O.cloexec);
  if (fd < 0) return false;
  const result = makeAsync(fd);
  closeFd(fd);
  return result >= 0;
});

/** Whether it marks pages that were written to (CONFIG_MEM_SOFT_DIRTY): new memory is marked at once. */
export const hasSoftDirty = once(() =>
  /^VmFlags:.* sd\b/m.test(readFileSync('/proc/self/smaps', 'utf8')),
);

/** Where the completions of an io_uring begin in its memory, in bytes. Throws ShimError if io_urings are forbidden. */
export const ringHeader = once(headerSize);
