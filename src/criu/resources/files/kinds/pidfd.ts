// SPDX-License-Identifier: Apache-2.0
import { asHostPid, asNsPid, type HostPid } from '../../../../common/ids.js';
import { badImage } from '../../../../common/errors.js';
import { syscall } from '../../../../native/index.js';
import { SYS } from '../../../../native/sys.js';
import type { PidfdEntry } from '../../../image/types.js';
import { MAX_PID } from '../../../image/validate-tasks.js';
import type { Slot } from '../../../plan/values.js';
import { planDeath } from '../../../plan/death.js';
import { detail, type FdInfo } from '../../../procfs/fdinfo.js';
import { O } from '../../../../native/abi/index.js';
import type { DumpContext } from '../dump-context.js';
import { groupBy } from '../../../../common/group-by.js';
import type { FileKind, StagedFile } from '../kind.js';
import type { OpenFile } from '../open-file.js';
import { dumpOwner } from '../owner.js';
import type { PlanContext } from '../plan-context.js';
import type { TablePlan } from '../table-plan.js';
import { anonymousName } from './anonymous.js';

/** O_EXCL in the flags of a pidfd: it refers to a thread (PIDFD_THREAD). */
const PIDFD_THREAD = 0o200;
/** What fdinfo and the image have in place of the pid of a process that has been reaped. */
const GONE = asHostPid(-1);
const REAPED = asNsPid(-1);
/** PIDFD_GET_INFO and PIDFD_INFO_EXIT (linux/pidfd.h), and the offset of the status in `struct pidfd_info`. */
const PIDFD_INFO = { get: 0xc040ff0b, exit: 8n, size: 64, status: 60 } as const;
const MAX_STATUS = 0xffff;
const WALL = 0x40000000;

/**
 * A pidfd of a process of the container, opened once that process exists again, or of one that has been reaped.
 * Only the status of the latter is left, so another process, which has ended with the same status, takes its place.
 */
export const PIDFD: FileKind<'pidfd'> = {
  type: 'PIDFD',
  body: 'pidfd',
  claims: (file) => anonymousName(file) === 'pidfd',
  dump,
  check({ nspid, mvas_status: status = 0 }, _files, what) {
    if (Math.abs(nspid) > MAX_PID) badImage(`${what}: it names no process`);
    if (status > MAX_STATUS || (status & 0x7f) === 0x7f) badImage(`${what}: nobody ends like that`);
  },
  time: ({ nspid }) => (nspid < 0 ? 'early' : 'forked'),
  openAll,
  openLater,
};

function dump(context: DumpContext, file: OpenFile): PidfdEntry | undefined {
  const pid = pidfdProcess(file.info)?.pid ?? asHostPid(0);
  const nsPid = pid > 0 ? context.nsPidOf(pid) : pid === GONE ? REAPED : undefined;
  const problem =
    file.flags & PIDFD_THREAD
      ? 'a pidfd of a thread (PIDFD_THREAD) cannot be restored; remedy: close it'
      : nsPid === undefined
        ? 'a pidfd of a process outside the container; remedy: close it'
        : undefined;
  if (problem !== undefined || nsPid === undefined) {
    context.refusals.add(file.where, problem ?? '');
    return undefined;
  }
  const ino = Number(file.stat.ino & 0xffffffffn);
  const fown = dumpOwner(context, file);
  const status = nsPid === REAPED ? statusOf(file.own) : undefined;
  return { id: file.id, ino, flags: file.flags, nspid: nsPid, fown, mvas_status: status };
}

/** The status of a reaped process; undefined if the kernel does not keep it. */
function statusOf(own: number): number | undefined {
  const info = Buffer.alloc(PIDFD_INFO.size);
  info.writeBigUInt64LE(PIDFD_INFO.exit);
  if (syscall(SYS.ioctl, own, PIDFD_INFO.get, info) < 0) return undefined;
  return info.readBigUInt64LE() & PIDFD_INFO.exit
    ? info.readUInt32LE(PIDFD_INFO.status)
    : undefined;
}

/** Pidfds of reaped processes. Those of one process have one inode. */
function openAll(plan: PlanContext, files: readonly StagedFile<'pidfd'>[]): void {
  for (const ends of groupBy(files, ({ body }) => body.ino).values()) openEnded(plan, ends);
}

function openEnded(plan: PlanContext, files: readonly StagedFile<'pidfd'>[]): void {
  const { builder, stage } = plan;
  const pid = plan.options.sparePid;
  const [{ body } = { body: undefined }] = files;
  const what = `file ${String(body?.id)}: a process that has ended`;
  const ended = builder.sequence(what);
  planDeath(builder, ended, { pid, status: body?.mvas_status ?? 0 });
  const stackEnd = builder.stackEnd();
  stage.sequence.fork(what, { pid, sequence: ended, stackEnd, exitSignal: 0 });
  for (const { body: entry, number } of files) {
    stage.make(what, number, SYS.pidfd_open, [pid, entry.flags & O.nonblock]);
  }
  stage.run(what, SYS.wait4, [pid, 0, WALL, 0]);
}

function openLater({ sequence }: TablePlan, { nspid, flags }: PidfdEntry, slot: Slot): void {
  const args = [nspid, flags & O.nonblock];
  const what = `open a pidfd of pid ${String(nspid)}`;
  sequence.syscall(what, SYS.pidfd_open, args, { store: slot });
}

/** Process that a pidfd refers to. */
interface PidfdProcess {
  /** In the reader's pid namespace: 0 if it is not in there, -1 if the process has been reaped. */
  readonly pid: HostPid;
  /** From the reader's pid namespace down to the process's own. */
  readonly nsPid: readonly number[];
}

/** What fdinfo says of a pidfd. Source: pidfd_show_fdinfo(). */
export function pidfdProcess(info: FdInfo): PidfdProcess | undefined {
  const pid = detail(info, 'Pid', (line, value) => asHostPid(line.integer(value)));
  if (pid === undefined) return undefined;
  const nsPid = detail(info, 'NSpid', (line, value) => line.integers(value));
  return { pid, nsPid: nsPid ?? [pid] };
}
