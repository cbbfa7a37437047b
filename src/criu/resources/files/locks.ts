// SPDX-License-Identifier: Apache-2.0
import type { BigIntStats } from 'node:fs';
import { SYS } from '../../../native/sys.js';
import { LOCK_FLAG } from '../../image/constants.js';
import type { FileLockEntry } from '../../image/types.js';
import type { PlanBuilder } from '../../plan/builder.js';
import type { Sequence } from '../../plan/sequence.js';
import type { FileLock } from '../../procfs/fdinfo-lock.js';
import type { TracedProcess } from '../../tracee/tracee.js';
import { F } from '../../../native/abi/index.js';
import type { DumpContext } from './dump-context.js';
import type { OpenFile } from './open-file.js';
import type { Stage } from './stage.js';

const LOCK_TYPE = { read: 0, write: 1, unlock: 2 } as const;
const EAGAIN = -11n;
const LOCK_NB = 4;
const LOCK_SH = 1;
const LOCK_EX = 2;
const MEMFD = '/memfd:';
const LOCKS_SEEN_BY_ALL: ReadonlySet<FileLock['kind']> = new Set(['flock', 'ofd', 'lease']);

/** All locks and leases: those of open files once, those of processes for each process. */
export function dumpLocks(context: DumpContext): void {
  const seen = new Set<number>();
  for (const { owner, descriptors } of context.open.tables) {
    for (const { fd, file, locks } of descriptors) {
      const isSeen = seen.has(file.id);
      const fresh = locks.filter(({ kind }) => !isSeen || !LOCKS_SEEN_BY_ALL.has(kind));
      for (const lock of fresh) addLock(context, lock, { owner, fd, file });
      seen.add(file.id);
    }
  }
}

/** Whether anyone holds a lease on a file: opening it would break the lease. */
export function isLeased(context: DumpContext, stat: BigIntStats): boolean {
  const files = context.open.ofInode(stat);
  return files.some(({ info }) => info.locks.some(isLease));
}

function isLease({ kind }: FileLock): boolean {
  return kind === 'lease' || kind === 'delegation';
}

/** Why a lease cannot be restored. Without its name, a file is made and opened again, which would break the lease. */
function refusalOf({ kind, breaking }: FileLock, { stat, link }: OpenFile): string | undefined {
  if (kind === 'delegation') return 'a delegation cannot be restored; remedy: give it up';
  if (kind !== 'lease') return undefined;
  if (breaking) return 'its lease (F_SETLEASE) is being broken; remedy: try again';
  if (stat.nlink > 0n && !link.startsWith(MEMFD)) return undefined;
  return 'a lease (F_SETLEASE) on a removed file or a memfd cannot be restored; remedy: give it up';
}

function addLock(
  context: DumpContext,
  lock: FileLock,
  {
    owner,
    fd,
    file,
  }: { readonly owner: TracedProcess; readonly fd: number; readonly file: OpenFile },
): void {
  const refusal = refusalOf(lock, file);
  if (refusal !== undefined) context.refusals.add(`${owner.label} fd ${String(fd)}`, refusal);
  if (lock.kind === 'delegation') return;
  const pid = owner.nsPid;
  const same = context.image.locks.some(
    (other) =>
      other.flag === LOCK_FLAG.posix &&
      lock.kind === 'posix' &&
      other.pid === pid &&
      other.start === lock.start &&
      other.fd === fd,
  );
  if (same) return;
  context.image.locks.push({
    flag: LOCK_FLAG[lock.kind],
    type: LOCK_TYPE[lock.access],
    pid,
    fd,
    start: lock.start,
    len: lock.end === undefined ? 0n : lock.end - lock.start + 1n,
    ...(lock.kind === 'lease' && file.stat.uid !== 0n && { mvas_uid: Number(file.stat.uid) }),
  });
}

/** Takes a lock that belongs to an open file: flock(2), or an OFD lock. */
export function planFileLock(stage: Stage, number: number, lock: FileLockEntry): void {
  const what = `lock of pid ${String(lock.pid)} fd ${String(lock.fd)}`;
  if (lock.flag === LOCK_FLAG.flock) {
    const kind = lock.type === LOCK_TYPE.write ? LOCK_EX : LOCK_SH;
    stage.run(what, SYS.flock, [number, kind | LOCK_NB]);
  } else {
    const range = stage.builder.data(flockOf(lock));
    stage.run(what, SYS.fcntl, [number, F.ofdSetlk, range]);
  }
}

/** Takes a POSIX lock; in the process that it belongs to. */
export function planPosixLock(builder: PlanBuilder, sequence: Sequence, lock: FileLockEntry): void {
  const what = `POSIX lock of fd ${String(lock.fd)}`;
  sequence.syscall(what, SYS.fcntl, [lock.fd, F.setlk, builder.data(flockOf(lock))]);
}

/**
 * Takes a lease, once nobody opens files any more, in a process that has the file. The kernel makes that process the
 * owner of its signals. In a user namespace only the owner of a file may take one.
 */
export function planLease(sequence: Sequence, { fd, type, mvas_uid }: FileLockEntry): void {
  const what = `lease of fd ${String(fd)}`;
  const explain = (result: bigint): string | undefined =>
    result === EAGAIN ? 'another has the file open, which its lease excludes' : undefined;
  if (mvas_uid !== undefined) sequence.syscall(what, SYS.setfsuid, [mvas_uid]);
  sequence.syscall(what, SYS.fcntl, [fd, F.setLease, type], { explain });
  if (mvas_uid !== undefined) sequence.syscall(what, SYS.setfsuid, [0]);
  sequence.syscall(`${what}: no owner`, SYS.fcntl, [fd, F.setown, 0]);
}

/** `struct flock`: from the start of the file. */
function flockOf(lock: FileLockEntry): Uint8Array {
  const range = Buffer.alloc(32);
  range.writeInt16LE(lock.type & 3, 0);
  range.writeBigInt64LE(lock.start, 8);
  range.writeBigInt64LE(lock.len, 16);
  return range;
}
