// SPDX-License-Identifier: Apache-2.0

/** Operations of prctl(2). Source: linux/prctl.h. */
export const PR = {
  setPdeathsig: 1,
  getPdeathsig: 2,
  getDumpable: 3,
  setDumpable: 4,
  setName: 15,
  setSeccomp: 22,
  capbsetDrop: 24,
  getTsc: 25,
  setTsc: 26,
  getSecurebits: 27,
  setSecurebits: 28,
  setTimerslack: 29,
  getTimerslack: 30,
  mceKill: 33,
  mceKillGet: 34,
  setChildSubreaper: 36,
  getChildSubreaper: 37,
  setNoNewPrivs: 38,
  getTidAddress: 40,
  setThpDisable: 41,
  getThpDisable: 42,
  capAmbient: 47,
  setMdwe: 65,
  getMdwe: 66,
  setMemoryMerge: 67,
  getMemoryMerge: 68,
  timerCreateRestoreIds: 77,
} as const;

/** Operations of arch_prctl(2). Source: asm/prctl.h of x86. */
export const ARCH = { getCpuid: 0x1011, getXcompPerm: 0x1022, shstkStatus: 0x5005 } as const;

/** Requests of ptrace(2). Source: linux/ptrace.h. */
export const PTRACE = {
  seccompGetFilter: 0x420c,
  seccompGetMetadata: 0x420d,
  getSyscallUserDispatch: 0x4211,
} as const;

export const SIGKILL = 9;
export const SIGTRAP = 5;
export const SIGCHLD = 17;
export const SIGSTOP = 19;
/** Highest signal number. */
export const SIGNALS = 64;

export const EINVAL = 22n;
export const EINTR = 4n;

/** Little-endian words of 64 bits, as structures of the kernel have them. */
export function words(...values: readonly bigint[]): Uint8Array {
  const bytes = Buffer.alloc(values.length * 8);
  values.forEach((value, index) => {
    bytes.writeBigUInt64LE(BigInt.asUintN(64, value), index * 8);
  });
  return bytes;
}

/** A view on bytes that reads little-endian numbers. */
export function reader(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
