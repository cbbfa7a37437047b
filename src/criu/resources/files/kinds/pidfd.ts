// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../../../common/errors.js';
import { SYS } from '../../../../native/sys.js';
import type { PidfdEntry } from '../../../image/types.js';
import { MAX_PID } from '../../../image/validate-tasks.js';
import type { Slot } from '../../../plan/builder.js';
import { detail, type FdInfo } from '../../../procfs/fdinfo.js';
import { O } from '../abi.js';
import type { DumpContext } from '../dump-context.js';
import type { FileKind } from '../kind.js';
import type { OpenFile } from '../open-file.js';
import { dumpOwner } from '../owner.js';
import type { TablePlan } from '../table-plan.js';
import { anonymousName } from './anonymous.js';

/** O_EXCL in the flags of a pidfd: it refers to a thread (PIDFD_THREAD). */
const PIDFD_THREAD = 0o200;

/** A pidfd of a process of the container that is still there; opened once that exists again. */
export const PIDFD: FileKind<'pidfd'> = {
  type: 'PIDFD',
  body: 'pidfd',
  claims: (file) => anonymousName(file) === 'pidfd',
  dump,
  check({ nspid }, _files, what) {
    if (Math.abs(nspid) > MAX_PID) badImage(`${what}: it names no process`);
  },
  time: () => 'forked',
  openLater,
};

function dump(context: DumpContext, file: OpenFile): PidfdEntry | undefined {
  const pid = pidfdProcess(file.info)?.pid ?? -1;
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

function openLater({ sequence }: TablePlan, { nspid, flags }: PidfdEntry, slot: Slot): void {
  const args = [nspid, flags & O.nonblock];
  const what = `open a pidfd of pid ${String(nspid)}`;
  sequence.syscall(what, SYS.pidfd_open, args, { store: slot });
}

/** Process that a pidfd refers to. */
interface PidfdProcess {
  /** In the reader's pid namespace: 0 when not in it, -1 when the process has been reaped. */
  readonly pid: number;
  /** From the reader's pid namespace to the process's own. */
  readonly nsPid: readonly number[];
}

/** What fdinfo tells of a pidfd. Source: pidfd_show_fdinfo(). */
export function pidfdProcess(info: FdInfo): PidfdProcess | undefined {
  const pid = detail(info, 'Pid', (line, value) => line.integer(value));
  if (pid === undefined) return undefined;
  const nsPid = detail(info, 'NSpid', (line, value) => line.integers(value));
  return { pid, nsPid: nsPid ?? [pid] };
}
