// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import type { IpcVarEntry } from '../../image/types.js';

/** Numbers of a sysctl, the limit of a namespace. */
export type LimitValues = readonly bigint[];

/** A limit of an IPC namespace, its file below /proc/sys, and its place in an image. */
export interface Limit {
  readonly path: string;
  readonly of: (entry: IpcVarEntry) => LimitValues;
}

function one(path: string, of: (entry: IpcVarEntry) => number | bigint | undefined): Limit {
  return {
    path,
    of: (entry) => {
      const value = of(entry);
      return value === undefined ? [] : [BigInt(value)];
    },
  };
}

/** Limits by what the plan calls them. `sem` has four: SEMMSL, SEMMNS, SEMOPM, SEMMNI (proc_sys_kernel(5)). */
export const LIMITS = {
  sem: { path: 'kernel/sem', of: ({ sem_ctls: all }) => all.map(BigInt) },
  msgmax: one('kernel/msgmax', ({ msg_ctlmax: value }) => value),
  msgmnb: one('kernel/msgmnb', ({ msg_ctlmnb: value }) => value),
  msgmni: one('kernel/msgmni', ({ msg_ctlmni: value }) => value),
  shmmax: one('kernel/shmmax', ({ shm_ctlmax: value }) => value),
  shmall: one('kernel/shmall', ({ shm_ctlall: value }) => value),
  shmmni: one('kernel/shmmni', ({ shm_ctlmni: value }) => value),
  rmidForced: one('kernel/shm_rmid_forced', ({ shm_rmid_forced: value }) => value),
  queuesMax: one('fs/mqueue/queues_max', ({ mq_queues_max: value }) => value),
  msgMax: one('fs/mqueue/msg_max', ({ mq_msg_max: value }) => value),
  msgsizeMax: one('fs/mqueue/msgsize_max', ({ mq_msgsize_max: value }) => value),
  msgDefault: one('fs/mqueue/msg_default', ({ mq_msg_default: value }) => value),
  msgsizeDefault: one('fs/mqueue/msgsize_default', ({ mq_msgsize_default: value }) => value),
} as const satisfies Readonly<Record<string, Limit>>;

/** The name of a limit. */
export type LimitName = keyof typeof LIMITS;

/** All limits with their names. */
export function limits(): readonly (readonly [LimitName, Limit])[] {
  return Object.entries(LIMITS) as [LimitName, Limit][];
}

/** Reads the limits of the calling thread's IPC namespace. */
export function readLimitsOfNamespace(): IpcVarEntry {
  const first = (path: string): number => Number(numbersOf(path)[0] ?? 0n);
  const optional = (path: string): number | undefined => {
    const [value] = numbersOf(path);
    return value === undefined ? undefined : Number(value);
  };
  return {
    sem_ctls: numbersOf(LIMITS.sem.path).map(Number),
    msg_ctlmax: first(LIMITS.msgmax.path),
    msg_ctlmnb: first(LIMITS.msgmnb.path),
    msg_ctlmni: first(LIMITS.msgmni.path),
    auto_msgmni: first('kernel/auto_msgmni'),
    shm_ctlmax: numbersOf(LIMITS.shmmax.path)[0] ?? 0n,
    shm_ctlall: numbersOf(LIMITS.shmall.path)[0] ?? 0n,
    shm_ctlmni: first(LIMITS.shmmni.path),
    shm_rmid_forced: first(LIMITS.rmidForced.path),
    mq_queues_max: first(LIMITS.queuesMax.path),
    mq_msg_max: first(LIMITS.msgMax.path),
    mq_msgsize_max: first(LIMITS.msgsizeMax.path),
    mq_msg_default: optional(LIMITS.msgDefault.path),
    mq_msgsize_default: optional(LIMITS.msgsizeDefault.path),
  };
}

/** Numbers of a file below /proc/sys; none where the kernel has no such file. */
function numbersOf(path: string): bigint[] {
  try {
    const text = readFileSync(`/proc/sys/${path}`, 'utf8').trim();
    return text.split(/\s+/).map(BigInt);
  } catch {
    return [];
  }
}
