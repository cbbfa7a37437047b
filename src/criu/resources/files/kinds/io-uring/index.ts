// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../../../../common/errors.js';
import type { DumpContext } from '../../dump-context.js';
import type { FileKind } from '../../kind.js';
import type { PathFile } from '../../path-file.js';
import { anonymousName } from '../anonymous.js';
import { canMapRingAt, checkRing } from './check.js';
import { dumpRing } from './dump.js';
import { finishRings, openRing, registerWithRings } from './plan.js';

/** An io_uring in which nothing is under way, with completions that nobody has read. */
export const IO_URING: FileKind<'mvas_io_uring'> = {
  type: 'MVAS_IO_URING',
  body: 'mvas_io_uring',
  isMappable: 'anywhere',
  claims: (file) => anonymousName(file) === 'io_uring',
  dump: dumpRing,
  dumpPath,
  check(entry, files, what) {
    checkRing(entry, files, what);
  },
  checkMapping({ offset, isShared }, mapping) {
    if (!isShared || !canMapRingAt(offset)) badImage(`${mapping()} cannot map an io_uring`);
  },
  open: openRing,
  openAll: registerWithRings,
  inThread: finishRings,
};

/** Each io_uring has an inode of its own (Linux 5.16), and a mapping does not say more. */
function dumpPath(context: DumpContext, { stat, where }: PathFile): number {
  const [ring] = context.open.ofInode(stat);
  if (ring) return ring.id;
  const reason = 'an io_uring that is mapped, and no longer open, is not supported';
  context.refusals.add(where, `${reason}; remedy: unmap it`);
  return context.nextId();
}
