// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../../common/errors.js';
import { groupBy } from '../../../common/group-by.js';
import { SYS } from '../../../native/sys.js';
import { LOCK_FLAG } from '../../image/constants.js';
import { bodyOf } from '../../image/entry-kind.js';
import type { FileEntry } from '../../image/types.js';
import { F, O } from '../../../native/abi/index.js';
import { EXEC_STREAM } from './files-image.js';
import type { FileKind, StagedFile } from './kind.js';
import { FILE_KINDS, kindOf } from './kinds/index.js';
import { planFileLock } from './locks.js';
import type { PlanContext } from './plan-context.js';

/** Opens every file of an image that can be opened early, in PID 1 before it forks. */
export function planFiles(plan: PlanContext): void {
  const { index, numbers } = plan;
  const early = [...index.files.values()].filter((file) => index.timeOf(file) === 'early');
  for (const file of early) numbers.set(file.id, plan.stage.reserve());
  // Slots have low numbers, which stay free as long as everything else moves up at once.
  planStdio(plan, early);
  const inside = early.filter((file) => file.mvas_stdio === undefined && !index.isName(file.id));
  const byType = groupBy(inside, ({ type }) => type);
  const stagedOf = ({ type }: FileKind): StagedFile[] =>
    (byType.get(type) ?? []).map((file) => staged(plan, file));
  for (const kind of FILE_KINDS) kind.openMany?.(plan, stagedOf(kind));
  for (const file of inside) {
    const kind = kindOf(file);
    kind.open?.(plan, bodyOf(file, kind.body), plan.number(file.id));
  }
  for (const kind of FILE_KINDS) kind.openAll?.(plan, stagedOf(kind));
  planLocks(plan);
  plan.end();
}

function staged(plan: PlanContext, file: FileEntry): StagedFile {
  return { body: bodyOf(file, kindOf(file).body), number: plan.number(file.id) };
}

/** Gives the stdio of the new container to the files that were the stdio of the old one. */
function planStdio(plan: PlanContext, files: readonly FileEntry[]): void {
  const { stage, index, options } = plan;
  const first = new Map<number, number>();
  for (const file of files) {
    const which = file.mvas_stdio;
    if (which === undefined) continue;
    if (which === EXEC_STREAM) {
      stage.openPath('a stream of an exec', plan.number(file.id), '/dev/null', { flags: O.rdwr });
      continue;
    }
    const slot = options.stdio[which];
    if (slot === undefined) badImage(`file ${String(file.id)}: no such stdio: ${String(which)}`);
    const number = plan.number(file.id);
    const what = `stdio ${String(which)}`;
    const known = first.get(which);
    if (known !== undefined) stage.copy(what, number, known);
    else if (slot) stage.copy(what, number, slot);
    else {
      const path = options.hasConsole ? '/dev/console' : '/dev/null';
      stage.openPath(what, number, path, { flags: O.rdwr | O.noctty });
    }
    first.set(which, number);
    const flags = index.commonOf(file)?.flags ?? 0;
    if (flags & O.nonblock) stage.attempt(what, SYS.fcntl, [number, F.setfl, O.nonblock]);
  }
}

/** Takes the locks that belong to open files. */
function planLocks(plan: PlanContext): void {
  const { locks, tables, fdinfo } = plan.index.image;
  for (const lock of locks) {
    if (lock.flag === LOCK_FLAG.posix || lock.flag === LOCK_FLAG.lease) continue;
    const descriptors = fdinfo.get(tables.get(lock.pid) ?? -1) ?? [];
    const id = descriptors.find(({ fd }) => fd === lock.fd)?.id;
    if (id === undefined) badImage(`a lock on fd ${String(lock.fd)}, which is not open`);
    planFileLock(plan.stage, plan.number(id), lock);
  }
}
