// SPDX-License-Identifier: Apache-2.0
import { SYS } from '../../../../../native/sys.js';
import type { RegFileEntry } from '../../../../image/types.js';
import type { Slot } from '../../../../plan/values.js';
import { O, RESOLVE, SEEK } from '../../../../../native/abi/index.js';
import { GhostPlan } from '../../deleted/ghost-plan.js';
import { checkPath } from '../../names/path.js';
import { openFlags } from '../../open-flags.js';
import type { StagedFile } from '../../kind.js';
import type { PlanContext } from '../../plan-context.js';
import { cPath, openHow } from '../../system.js';
import type { TablePlan } from '../../table-plan.js';
import { openNamed } from './named-files.js';
import { seek, wordsOf } from './position.js';
import { TmpfilePlan } from './tmpfile-plan.js';

/** Opens those that have their names. */
export function openMany(plan: PlanContext, files: readonly StagedFile<'reg'>[]): void {
  const { remaps } = plan.index;
  openNamed(
    plan,
    files.filter(({ body }) => !remaps.has(body.id)),
  );
}

/** Opens a file whose name was deleted, as it is created again, and sets its position. */
export function open(plan: PlanContext, entry: RegFileEntry, number: number): void {
  const remap = plan.index.remaps.get(entry.id);
  if (remap !== undefined) openDeleted(plan, entry, { number, remap });
}

function openDeleted(
  plan: PlanContext,
  entry: RegFileEntry,
  { number, remap }: { readonly number: number; readonly remap: number },
): void {
  const ghosts = plan.shared(GhostPlan);
  const tmpfiles = plan.shared(TmpfilePlan);
  if (tmpfiles.has(remap)) {
    tmpfiles.plan(entry, number, remap, ghosts.ghost(remap));
    return;
  }
  const ghost = ghosts.openFor(entry);
  const flags = openFlags(entry);
  if (ghost !== undefined && (flags & O.nofollow) === 0) {
    plan.stage.reopen(`open ${wordsOf(entry)}`, number, ghost, flags);
  }
  seek(plan.stage, entry, number);
}

/** Opens a file of /proc or the like, by its name below the root that the process no longer has. */
export function openLater(table: TablePlan, entry: RegFileEntry, slot: Slot): void {
  const { builder, sequence, plan } = table;
  checkPath(entry.id, entry.name);
  const what = `open ${wordsOf(entry)}`;
  const how = openHow(openFlags(entry) | O.cloexec, 0, RESOLVE.noSymlinks | RESOLVE.noMagicLinks);
  // Relative to the container's root: the process may have another one by now.
  const path = builder.data(cPath(`.${entry.name}`), 1);
  const args = [plan.index.base, path, builder.data(how), how.length];
  sequence.syscall(what, SYS.openat2, args, { store: slot });
  if (entry.pos === 0n || entry.flags & O.path) return;
  sequence.syscall(`${what}: seek`, SYS.lseek, [slot, entry.pos, SEEK.set]);
}
