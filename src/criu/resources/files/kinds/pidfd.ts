// SPDX-License-Identifier: Apache-2.0
import type { PidfdEntry } from '../../../image/types.js';
import type { DumpContext } from '../dump-context.js';
import type { OpenFile } from '../open-file.js';
import { dumpOwner } from '../owner.js';

/** O_EXCL in the flags of a pidfd: it refers to a thread (PIDFD_THREAD). */
const PIDFD_THREAD = 0o200;

/** A pidfd of a process of the container that is still there. */
export function dumpPidfd(context: DumpContext, file: OpenFile): PidfdEntry | undefined {
  const pid = file.info.pidfd?.pid ?? -1;
  const nsPid = pid > 0 ? context.nsPidOfAny(pid) : undefined;
  const problem =
    file.flags & PIDFD_THREAD
      ? 'a pidfd of a thread (PIDFD_THREAD) cannot be restored; remedy: close it'
      : nsPid === undefined
        ? 'a pidfd whose process has ended or is outside the container; remedy: close it'
        : undefined;
  if (problem !== undefined || nsPid === undefined) {
    context.refusals.add(file.where, problem ?? '');
    return undefined;
  }
  const ino = Number(file.stat.ino & 0xffffffffn);
  return { id: file.id, ino, flags: file.flags, nspid: nsPid, fown: dumpOwner(context, file) };
}
