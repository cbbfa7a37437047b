// SPDX-License-Identifier: Apache-2.0
import { asHostTid, asNsTid } from '../../../common/ids.js';
import type { FownEntry } from '../../image/types.js';
import type { PlanBuilder } from '../../plan/builder.js';
import type { Sequence } from '../../plan/sequence.js';
import { SYS } from '../../../native/sys.js';
import { F, O } from '../../../native/abi/index.js';
import type { DumpContext } from './dump-context.js';
import type { OpenFile } from './open-file.js';
import { fcntl, fcntlInto } from './system.js';

/** F_OWNER_TID, F_OWNER_PID, F_OWNER_PGRP of fcntl(2) are 0, 1, 2. */
const MAX_OWNER_TYPE = 2;

/** The last `struct f_owner_ex` that was requested. */
const owner = Buffer.alloc(8);

/** The owner of files that have none. */
export function noOwner(): FownEntry {
  return { uid: 0, euid: 0, signum: 0, pid_type: 0, pid: asNsTid(0) };
}

/** The recipient of a file's signals (F_SETOWN, F_SETSIG). An O_PATH file has no owner. */
export function dumpOwner(context: DumpContext, file: OpenFile): FownEntry {
  if (!file.mayHaveOwner || file.flags & O.path) return noOwner();
  fcntlInto(file.own, F.getownEx, owner);
  const signum = fcntl(file.own, F.getsig);
  const pid = asHostTid(owner.readInt32LE(4));
  if (pid === 0) return { ...noOwner(), signum };
  const nsPid = context.nsTidOf(pid);
  if (nsPid === undefined) {
    context.refusals.add(
      file.where,
      'its owner for signals (F_SETOWN) is outside the container; remedy: take that back',
    );
    return noOwner();
  }
  const uids = Buffer.alloc(8);
  fcntlInto(file.own, F.getOwnerUids, uids);
  return {
    uid: uids.readUInt32LE(0),
    euid: uids.readUInt32LE(4),
    signum,
    pid_type: owner.readInt32LE(0),
    pid: nsPid,
  };
}

/** Whether {@link planOwner} has anything to do. */
export function hasOwner(fown: FownEntry, flags: number): boolean {
  return fown.pid !== 0 || fown.signum !== 0 || (flags & O.async) !== 0;
}

/**
 * Sets owner, signal and O_ASYNC. Runs in a process that has the file, after the drop of privileges: the kernel
 * remembers the ids of the process that sets the owner, and checks signals against them.
 */
export function planOwner(
  builder: PlanBuilder,
  sequence: Sequence,
  fd: number,
  { fown, flags }: { readonly fown: FownEntry; readonly flags: number },
): void {
  const what = `fd ${String(fd)}`;
  if (fown.pid !== 0 && fown.pid_type <= MAX_OWNER_TYPE) {
    const owner = Buffer.alloc(8);
    owner.writeInt32LE(fown.pid_type, 0);
    owner.writeInt32LE(fown.pid | 0, 4);
    sequence.syscall(`set owner of ${what}`, SYS.fcntl, [fd, F.setownEx, builder.data(owner)]);
  }
  if (fown.signum !== 0) {
    sequence.syscall(`set signal of ${what}`, SYS.fcntl, [fd, F.setsig, fown.signum]);
  }
  if (flags & O.async) {
    const settable = flags & (O.append | O.nonblock | O.direct | O.noatime | O.async);
    sequence.syscall(`set O_ASYNC of ${what}`, SYS.fcntl, [fd, F.setfl, settable]);
  }
}
