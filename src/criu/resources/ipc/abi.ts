// SPDX-License-Identifier: Apache-2.0
/* System V IPC as the kernel's headers have it (linux/ipc.h, linux/msg.h, linux/sem.h, linux/shm.h). */

/** Commands of shmctl(2), semctl(2) and msgctl(2). */
export const IPC = { rmid: 0, set: 1, stat: 2, shmLock: 11, getAll: 13, setAll: 17 } as const;

export const IPC_CREAT = 0o1000;
export const IPC_EXCL = 0o2000;
export const IPC_NOWAIT = 0o4000;
export const IPC_PRIVATE = 0;
/** msgrcv(2): the message at an index, which stays in the queue. */
export const MSG_COPY = 0o40000;
export const SEM_UNDO = 0x1000;

/** Bits of the mode of a segment: it goes with its last attachment; it is locked in memory. */
export const SHM_DEST = 0o1000;
export const SHM_LOCKED = 0o2000;
export const PERMISSIONS = 0o777;

/** Largest value of a semaphore (SEMVMX). */
export const SEM_MAX = 32767;
/** What the kernel may add to a semaphore when a process ends lies between these (SEMAEM). */
export const ADJUSTMENT = { least: -32768, most: 32767 } as const;

/** Bytes of `struct sembuf`, and of the structures for IPC_SET and IPC_STAT. */
export const SEMBUF_BYTES = 6;
export const DS_BYTES = 128;
/** Where `struct ipc64_perm`, with which these structures begin, has its fields. */
export const PERM = { uid: 4, gid: 8, mode: 20 } as const;
/** Where `struct msqid64_ds` has msg_qbytes. */
export const MSG_QBYTES = 88;

/** An operation of semop(2). */
export interface SemOp {
  readonly index: number;
  readonly op: number;
  readonly flags: number;
}

/** An array of `struct sembuf`. */
export function encodeSemOps(ops: readonly SemOp[]): Buffer {
  const bytes = Buffer.alloc(ops.length * SEMBUF_BYTES);
  ops.forEach(({ index, op, flags }, nth) => {
    bytes.writeUInt16LE(index, nth * SEMBUF_BYTES);
    bytes.writeInt16LE(op, nth * SEMBUF_BYTES + 2);
    bytes.writeInt16LE(flags, nth * SEMBUF_BYTES + 4);
  });
  return bytes;
}
