// SPDX-License-Identifier: Apache-2.0

/** Fields of a plan are words in the host's byte order. */
export const WORD = 8;

/** The border to the freestanding code, in step with native/include/mvas_abi.h (a test compares them). */

export const PLAN_MAGIC = 0x34304e4c50534156n;
export const PLAN_HEADER_SIZE = 64;
export const OP_SIZE = 80;
/** Bytes of the stack of a process or thread that a plan makes. */
export const PLAN_STACK = 4096;

/** Byte offsets of the plan header's fields. */
export const HEADER = {
  magic: 0,
  size: 8,
  slots: 16,
  failed: 24,
  failedResult: 32,
  failedRow: 40,
} as const;

/** Byte offsets of an operation's fields. */
export const OP = { code: 0, flags: 4, nr: 8, args: 16, slot: 64, expect: 72 } as const;

export const OP_CODE = {
  syscall: 1,
  copy: 2,
  pull: 3,
  pread: 4,
  fork: 5,
  thread: 6,
  stop: 7,
  end: 8,
  timer: 9,
  drainSignals: 10,
  write: 11,
  poke: 12,
  readVas: 13,
  open: 14,
  moveFrom: 15,
  rows: 16,
  preadRows: 17,
  options: 18,
  each: 19,
  ring: 20,
  mapAt: 21,
  fill: 22,
} as const;

export const OP_FLAG = {
  slot: (argument: number) => 1 << argument,
  offset: (argument: number) => 64 << argument,
  tolerate: 1 << 12,
  expect: 1 << 13,
  store: 1 << 14,
  move: 1 << 15,
  rowWord: (argument: number) => 65536 << argument,
  rowAddress: (argument: number) => 4194304 << argument,
  rowMove: 1 << 28,
  rowExpect: 1 << 29,
} as const;

/** In the size of a value in a table of options: failure is ignored. */
export const OPTION_TOLERATE = 0x80000000;

export const REQUEST_MAGIC = 0x5143564d;
export const GUARD_MAGIC = 0x4743564d;
export const GUARD_SIZE = 32;
/** Byte offsets of the fields of a guard's request. */
export const GUARD = { magic: 0, action: 4, level: 8, option: 12, size: 16, bytes: 20 } as const;
export const GUARD_ACTION = { write: 1, option: 2 } as const;

export const HOLD_MAGIC = 0x4843564d;
export const HOLD_ACTION = { take: 1, letGo: 2 } as const;
export const LIFE_MAGIC = 0x4c43564d;
export const LIFE_SIZE = 2048;
/** Byte offsets of the fields of an order about a VAS's life. */
export const LIFE = { magic: 0, with: 4, after: 8, argc: 16, size: 20, strings: 24 } as const;
/** Which descriptors come with such an order. */
export const LIFE_WITH = { watch: 1, cgroup: 2 } as const;
export const REQUEST_SIZE = 40;
export const REPLY_SIZE = 32;
export const REQUEST = { status: 1, move: 2, run: 3, seal: 4, fork: 5, drop: 6, heir: 7 } as const;
/** Bits of a fork's first argument. */
export const FORK = { outside: 1, user: 2 } as const;

/** Layout of the range that a holder and a restorer keep for themselves. */
export const WORK = {
  size: 0x40000000n,
  stack: 0x100000n,
  vdso: 0x140000n,
  plan: 0x200000n,
} as const;

/** Where in that range a ring of a packet socket is mapped for a moment; so far no plan reaches. */
export const RING_PLACE = WORK.size / 2n;
/** Bytes of the largest one. */
export const MAX_RING = WORK.size / 4n;
