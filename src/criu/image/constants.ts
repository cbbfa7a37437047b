// SPDX-License-Identifier: Apache-2.0

/** `inventory_entry.mvas_format`: incremented by any change that another version would get wrong. */
export const OUR_FORMAT = 19;

/** `task_core_entry.task_state`. */
export const TASK_STATE = { alive: 1, dead: 2, stopped: 3, helper: 4, zombie: 6 } as const;

/** Bits of `vma_entry.status`: what a mapping is, as far as its protection and flags do not say. */
export const VMA_STATUS = {
  /** An ordinary mapping, to be saved and restored. */
  regular: 1 << 0,
  stack: 1 << 1,
  vsyscall: 1 << 2,
  vdso: 1 << 3,
  heap: 1 << 5,
  filePrivate: 1 << 6,
  fileShared: 1 << 7,
  anonShared: 1 << 8,
  anonPrivate: 1 << 9,
  sysvIpc: 1 << 10,
  socket: 1 << 11,
  vvar: 1 << 12,
  aioRing: 1 << 13,
  memfd: 1 << 14,
  shadowStack: 1 << 15,
  /** A range with MADV_GUARD_INSTALL inside other mappings; listed after all of these. */
  guard: 1 << 16,
  uprobes: 1 << 17,
} as const;

/** Bits of `unix_sk_entry.uflags`. */
export const UNIX_SOCKET_FLAG = { external: 1 << 0, service: 1 << 1, callback: 1 << 2 } as const;

/** XATTR_SIZE_MAX of linux/limits.h. */
export const MAX_ATTRIBUTE = 65_536;
const MAX_ATTRIBUTE_NAME = 255;
const ATTRIBUTE = /^(user|trusted|security|system)\.[^\0]*$/;

/** Whether an extended attribute can have this name (one character for each byte) and size (xattr(7)). */
export function isExtendedAttribute(name: string, size: number): boolean {
  return ATTRIBUTE.test(name) && name.length <= MAX_ATTRIBUTE_NAME && size <= MAX_ATTRIBUTE;
}

/** `file_lock_entry.flag`: FL_* of linux/filelock.h. */
export const LOCK_FLAG = { posix: 1, flock: 2, lease: 32, ofd: 1024 } as const;
