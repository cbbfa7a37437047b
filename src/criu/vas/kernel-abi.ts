// SPDX-License-Identifier: Apache-2.0

/** The calls of /dev/mvas that the engine makes, in step with kernel/include/uapi/mvas.h (a test compares them). */

/** `MVAS_IOC(number)`: `_IOWR(0xE7, number, __u64)`. */
export const CALL = {
  info: 0xc008e700,
  create: 0xc008e701,
  delete: 0xc008e702,
  find: 0xc008e703,
  getattr: 0xc008e704,
  list: 0xc008e706,
  fork: 0xc008e707,
  exec: 0xc008e709,
  segCreate: 0xc008e721,
  segDelete: 0xc008e722,
  segFind: 0xc008e723,
  segGetattr: 0xc008e724,
  segList: 0xc008e726,
  segAttach: 0xc008e727,
} as const;

/** Bits of what the module can do on this kernel. */
export const CAPABILITY = { fork: 1n << 1n, exec: 1n << 2n, target: 1n << 4n } as const;

/** Sizes of the calls' structures, in bytes; the first field of each is its own size. */
export const SIZE = {
  info: 72,
  create: 280,
  id: 16,
  find: 272,
  attr: 320,
  list: 32,
  fork: 296,
  exec: 32,
  segCreate: 296,
  segAttach: 24,
} as const;

/** Byte offsets of fields, by structure. */
export const INFO = { version: 12, capabilities: 16, bytes: 40, vasCount: 64 } as const;
export const CREATE = { mode: 12, id: 16, name: 24 } as const;
export const ID = { id: 12 } as const;
export const FIND = { id: 12, name: 16 } as const;
export const ATTR = { id: 12, mode: 20, uid: 24, gid: 28, bytes: 48, start: 56, name: 64 } as const;
export const LIST = { capacity: 12, ids: 16, count: 24 } as const;
export const FORK = { target: 12, mode: 20, name: 40 } as const;
export const EXEC = { id: 12, ip: 16, sp: 24 } as const;
export const SEG_CREATE = { mode: 12, start: 16, length: 24, id: 32, name: 40 } as const;
export const SEG_ATTACH = { vasId: 12, segId: 16, access: 20 } as const;

/** Longest name of an object, in bytes. */
export const NAME_MAX = 255;

/** A structure with its size set and everything else zero. */
export function structure(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  bytes.writeBigUInt64LE(BigInt(size), 0);
  return bytes;
}

/** `struct mvas_id`. */
export function idStructure(id: number): Buffer {
  const bytes = structure(SIZE.id);
  bytes.writeUInt32LE(id, ID.id);
  return bytes;
}

/** `struct mvas_fork` for a new VAS that only its owner may use; the target is not set yet. */
export function forkStructure(name: string): Buffer {
  const bytes = structure(SIZE.fork);
  bytes.writeUInt32LE(0o600, FORK.mode);
  bytes.write(name, FORK.name);
  return bytes;
}

/**
 * `struct mvas_exec`. `place`: an address of user space for the instruction and the stack pointer, where nothing
 * has to be mapped: the tracer of the process sets both before it runs.
 */
export function execStructure(id: number, place: bigint): Buffer {
  const bytes = structure(SIZE.exec);
  bytes.writeUInt32LE(id, EXEC.id);
  bytes.writeBigUInt64LE(place, EXEC.ip);
  bytes.writeBigUInt64LE(place, EXEC.sp);
  return bytes;
}
