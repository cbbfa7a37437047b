// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../../common/errors.js';
import type { NsPid } from '../../../common/ids.js';
import { SYS } from '../../../native/abi/index.js';
import type { IpcParts } from '../../image/parts.js';
import type { IpcDescEntry } from '../../image/types.js';
import type { Valid } from '../../image/validate.js';
import type { PlanBuilder } from '../../plan/builder.js';
import type { Slot } from '../../plan/values.js';
import type { Sequence } from '../../plan/sequence.js';
import {
  DS_BYTES,
  encodeSemOps,
  IPC,
  IPC_CREAT,
  IPC_EXCL,
  IPC_NOWAIT,
  MSG_QBYTES,
  PERM,
  PERMISSIONS,
  SHM_DEST,
  SHM_LOCKED,
} from './abi.js';
import { adjustmentOps } from './adjust.js';
import { limitSteps, type LimitStep, type LiveIpc } from './limit-steps.js';
import { describe } from './words.js';

/** Tells the kernel the id of the next object of a kind. */
const NEXT_ID = { shm: 'kernel/shm_next_id', sem: 'kernel/sem_next_id', msg: 'kernel/msg_next_id' };
const KEEP = -1;
const ROOT = 0;
/** Of a `struct msgbuf`: the type, before the data. */
const TYPE_BYTES = 8;

/** How an object of a kind is made and given to its owner. */
interface Making {
  readonly what: string;
  readonly nextId: string;
  readonly nr: number;
  readonly args: readonly number[] | readonly [number, bigint];
  readonly desc: IpcDescEntry;
}

/**
 * Plans the System V objects of a container: PID 1 makes them once it has joined the new namespace, as who had made
 * them. Sysctls are written by descriptors that are opened in that namespace.
 */
export class IpcPlan {
  /** Sysctls that are to be given to the plan, open for writing: paths below /proc/sys. */
  readonly files: readonly string[];
  readonly #builder: PlanBuilder;
  readonly #image: IpcParts;
  readonly #steps: readonly LimitStep[];
  readonly #slots: ReadonlyMap<string, Slot>;
  /** Their numbers once they are staged. */
  readonly #numbers = new Map<string, number>();

  /**
   * @param live what is there; undefined where it is not known yet
   * @throws ShimError `failedPrecondition` where the new container has no namespace of its own
   */
  constructor(builder: PlanBuilder, image: Valid<IpcParts>, live: LiveIpc | undefined) {
    this.#builder = builder;
    this.#image = image;
    const { ipcLimits, segments, semaphores, messageQueues } = image;
    if (ipcLimits && live?.isOwn === false) {
      const why = 'it has System V objects, and the new container shares its IPC namespace';
      throw new ShimError('failedPrecondition', `${why}; remedy: give it its own`);
    }
    this.#steps = ipcLimits && live ? limitSteps(image, ipcLimits, live) : [];
    const counts = [
      [NEXT_ID.shm, segments.length],
      [NEXT_ID.sem, semaphores.length],
      [NEXT_ID.msg, messageQueues.length],
    ] as const;
    const nextIds = counts.filter(([, count]) => count > 0).map(([path]) => path);
    this.files = [...this.#steps.map(({ path }) => path), ...nextIds];
    this.#slots = new Map(this.files.map((path) => [path, builder.slot()]));
  }

  /**
   * In PID 1, before memory is made: all objects come into being.
   *
   * @param keep gives a descriptor a number that it keeps until staged files are closed
   */
  planObjects(root: Sequence, keep: (what: string, slot: Slot) => number): void {
    for (const [path, slot] of this.#slots) this.#numbers.set(path, keep(`keep ${path}`, slot));
    for (const { path, before } of this.#steps) {
      if (before !== undefined) this.#write(path, before, root);
    }
    this.#planSegments(root);
    this.#planSemaphores(root);
    this.#planQueues(root);
  }

  /** In each process: what is to be undone when it ends. */
  planAdjustments(pid: NsPid, sequence: Sequence): void {
    for (const { entry, payload } of this.#image.semaphores) {
      const what = `undo by ${describe('semaphore set', entry.desc)}`;
      for (const { pid: owner, index, value } of entry.mvas_adjustments) {
        if (owner !== pid) continue;
        const current = valuesOf(payload)[index] ?? 0;
        for (const ops of adjustmentOps(index, current, value)) {
          const data = this.#builder.data(encodeSemOps(ops));
          sequence.syscall(what, SYS.semop, [entry.desc.id, data, ops.length]);
        }
      }
    }
  }

  /** In PID 1, when memory is in place everywhere and before staged files are closed. */
  planFinal(root: Sequence): void {
    for (const { entry } of this.#image.segments) {
      const { desc } = entry;
      const what = describe('shared memory segment', desc);
      if (desc.mode & SHM_LOCKED) {
        root.syscall(`lock ${what}`, SYS.shmctl, [desc.id, IPC.shmLock, null]);
      }
      if (desc.mode & SHM_DEST) {
        root.syscall(`remove ${what}`, SYS.shmctl, [desc.id, IPC.rmid, null]);
      }
    }
    for (const { path, after } of this.#steps) {
      if (after !== undefined) this.#write(path, after, root);
    }
  }

  #planSegments(root: Sequence): void {
    const keys = new Set(this.#image.segments.map(({ entry }) => entry.desc.key));
    for (const { entry } of this.#image.segments) {
      const { desc, size, mvas_made_key: made } = entry;
      const what = describe('shared memory segment', desc);
      const key = made === undefined || keys.has(made) ? desc.key : made;
      keys.add(key);
      const making = { what, nextId: NEXT_ID.shm, nr: SYS.shmget, desc };
      this.#make({ ...making, args: [key, size] }, root);
      this.#give(SYS.shmctl, [desc.id, IPC.set], { what, desc }, root);
    }
  }

  #planSemaphores(root: Sequence): void {
    for (const { entry, payload } of this.#image.semaphores) {
      const { desc, nsems } = entry;
      const what = describe('semaphore set', desc);
      const making = { what, nextId: NEXT_ID.sem, nr: SYS.semget, desc };
      this.#make({ ...making, args: [desc.key, nsems] }, root);
      const values = this.#builder.data(payload);
      root.syscall(`set ${what}`, SYS.semctl, [desc.id, 0, IPC.setAll, values]);
      this.#give(SYS.semctl, [desc.id, 0, IPC.set], { what, desc }, root);
    }
  }

  #planQueues(root: Sequence): void {
    for (const { entry, messages } of this.#image.messageQueues) {
      const { desc, qbytes } = entry;
      const what = describe('message queue', desc);
      this.#make({ what, nextId: NEXT_ID.msg, nr: SYS.msgget, desc, args: [desc.key] }, root);
      const bytes = messages.reduce((sum, { data }) => sum + data.length, 0);
      const room = Math.max(qbytes, bytes, messages.length);
      const give = (most: number): void => {
        this.#give(SYS.msgctl, [desc.id, IPC.set], { what, desc, qbytes: most }, root);
      };
      give(room);
      for (const { type, data } of messages) {
        const message = Buffer.alloc(TYPE_BYTES + data.length);
        message.writeBigInt64LE(type);
        message.set(data, TYPE_BYTES);
        const args = [desc.id, this.#builder.data(message), data.length, IPC_NOWAIT];
        root.syscall(`fill ${what}`, SYS.msgsnd, args);
      }
      if (room !== qbytes) give(qbytes);
    }
  }

  /** Makes an object with its id, as who made it. The id is told first, which takes more than most creators may. */
  #make({ what, nextId, nr, args, desc }: Making, root: Sequence): void {
    const { id, cuid, cgid, mode } = desc;
    this.#write(nextId, String(id), root);
    const flags = IPC_CREAT | IPC_EXCL | (mode & PERMISSIONS);
    const changeId = (call: number, to: number): void => {
      root.syscall(`make ${what} as its creator`, call, [KEEP, to, KEEP]);
    };
    if (cgid !== ROOT) changeId(SYS.setresgid, cgid);
    if (cuid !== ROOT) changeId(SYS.setresuid, cuid);
    root.syscall(`make ${what}`, nr, [...args, flags], { expect: id });
    if (cuid !== ROOT) changeId(SYS.setresuid, ROOT);
    if (cgid !== ROOT) changeId(SYS.setresgid, ROOT);
  }

  /** Gives an object to its owner, and a queue its size. */
  #give(
    nr: number,
    args: readonly number[],
    { what, desc, qbytes }: { what: string; desc: IpcDescEntry; qbytes?: number },
    root: Sequence,
  ): void {
    const { uid, gid, cuid, cgid, mode } = desc;
    if (qbytes === undefined && uid === cuid && gid === cgid) return;
    const state = Buffer.alloc(DS_BYTES);
    state.writeUInt32LE(uid, PERM.uid);
    state.writeUInt32LE(gid, PERM.gid);
    state.writeUInt32LE(mode & PERMISSIONS, PERM.mode);
    if (qbytes !== undefined) state.writeBigUInt64LE(BigInt(qbytes), MSG_QBYTES);
    root.syscall(`give ${what} to its owner`, nr, [...args, this.#builder.data(state)]);
  }

  #write(path: string, text: string, root: Sequence): void {
    const bytes = Buffer.from(text);
    const fd = this.#numbers.get(path) ?? -1;
    // What is written behind the beginning the kernel ignores (sysctl_writes_strict).
    const args = [fd, this.#builder.data(bytes), bytes.length, 0];
    root.syscall(`set sysctl ${path}`, SYS.pwrite64, args, { expect: bytes.length });
  }
}

function valuesOf(payload: Uint8Array): Uint16Array {
  return new Uint16Array(payload.slice().buffer);
}
