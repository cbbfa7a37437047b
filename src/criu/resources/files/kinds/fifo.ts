// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../../../common/errors.js';
import { SYS } from '../../../../native/sys.js';
import { bodyOf, type CheckedFiles } from '../../../image/entry-kind.js';
import type { FifoEntry, RegFileEntry } from '../../../image/types.js';
import { canWrite } from '../access.js';
import { F, O, S_IF, SETTABLE } from '../../../../native/abi/index.js';
import { GhostPlan } from '../deleted/ghost-plan.js';
import type { DumpContext } from '../dump-context.js';
import type { PipeContent } from '../files-image.js';
import { groupBy } from '../../../../common/group-by.js';
import type { ImageIndex } from '../image-index.js';
import type { FileKind, StagedFile } from '../kind.js';
import { inodeKey, type OpenFile } from '../open-file.js';
import { pathFileOf } from '../path-file.js';
import type { PlanContext } from '../plan-context.js';
import type { Stage } from '../stage.js';
import { dumpPipeData, otherEndIsGone, pipeId, planPipeData } from './pipe-data.js';
import { dumpName } from './regular/dump.js';

/** Named pipes. Each open one goes with an entry of its path, which has its flags and owner. */
export const FIFO: FileKind<'fifo'> = {
  type: 'FIFO',
  body: 'fifo',
  claims: ({ stat, link, flags }) =>
    (Number(stat.mode) & S_IF.mask) === S_IF.fifo && link.startsWith('/') && !(flags & O.path),
  dump,
  dumpRest,
  check,
  checkAll,
  nameOf: ({ regf_id: id }) => id,
  common: ({ regf_id: id }, index) => {
    const name = index.files.get(id ?? -1);
    return name && index.commonOf(name);
  },
  openAll,
};

function dump(context: DumpContext, file: OpenFile): FifoEntry | undefined {
  const path = dumpName(context, pathFileOf(context, file));
  if (path === undefined) return undefined;
  const ends = context.open.ofInode(file.stat).filter(({ flags }) => !(flags & O.path));
  const hasWriter = ends.some(({ flags }) => canWrite(flags));
  return {
    id: file.id,
    pipe_id: pipeId(file),
    regf_id: path,
    mvas_unwritten: !hasWriter && !otherEndIsGone(file),
  };
}

/** Unread data, of each FIFO once. */
function dumpRest(context: DumpContext, files: readonly OpenFile[]): void {
  const fifos = new Map(files.map((file) => [inodeKey(file.stat), file]));
  for (const { stat } of fifos.values()) {
    const ends = context.open.ofInode(stat).filter(({ flags }) => !(flags & O.path));
    const data = dumpPipeData(ends);
    if (data) context.image.fifoData.push(data);
  }
}

function check(
  { regf_id: name, mvas_unwritten: isUnwritten }: FifoEntry,
  files: CheckedFiles,
  what: string,
): void {
  if (name !== undefined) files.need(name, ['REG'], what);
  if (isUnwritten !== true) return;
  const { flags = O.rdwr } = files.get(name ?? -1)?.reg ?? {};
  if (canWrite(flags)) badImage(`${what}: the end of a FIFO that writes has a writer`);
}

function checkAll(fifos: readonly FifoEntry[], { image }: CheckedFiles): void {
  const ids = new Set(fifos.map(({ pipe_id: id }) => id));
  for (const { entry } of image.fifoData) {
    if (!ids.has(entry.pipe_id)) badImage(`check fifo-data: no FIFO ${String(entry.pipe_id)}`);
  }
}

function openAll(plan: PlanContext, files: readonly StagedFile<'fifo'>[]): void {
  const { index, stage } = plan;
  const data = new Map(index.image.fifoData.map((item) => [item.entry.pipe_id, item]));
  for (const [id, staged] of groupBy(files, ({ body }) => body.pipe_id)) {
    const names = staged.map(({ body }) => nameOf(index, body));
    const ends = staged.map(({ body, number }, at) => ({
      id: body.id,
      number,
      flags: names[at]?.flags ?? 0,
      isUnwritten: body.mvas_unwritten === true,
    }));
    const [first] = names;
    if (!first) continue;
    const ghost = plan.shared(GhostPlan).openFor(first);
    openEnds(stage, { path: first.name, ghost }, ends, data.get(id));
  }
}

function nameOf(index: ImageIndex, { regf_id: id }: FifoEntry): RegFileEntry {
  const entry = bodyOf(index.file(id ?? -1), 'reg');
  if (index.isLate(entry)) badImage(`no FIFO lies at ${entry.name}`);
  return entry;
}

/** Where a FIFO is opened: by its path, or, if it no longer has one, through a descriptor on it. */
interface Place {
  readonly path: string;
  readonly ghost: number | undefined;
}

/** An open end, with the number it is staged at. */
interface End {
  readonly id: number;
  readonly number: number;
  readonly flags: number;
  /** It has never seen a writer, and must not see one now. */
  readonly isUnwritten: boolean;
}

/**
 * Opens every end of a FIFO. An opener of both sides comes first, so that no open blocks, and a reader beside it,
 * which keeps the content until the ends are open that must not see a writer: when such an end is opened without a
 * writer, fs/pipe.c notes for it how many there have been.
 */
function openEnds(
  stage: Stage,
  { path, ghost }: Place,
  ends: readonly End[],
  data: PipeContent | undefined,
): void {
  const open = (what: string, number: number, flags: number): void => {
    if (ghost === undefined) {
      stage.openPath(what, number, path, { flags });
      return;
    }
    stage.reopen(what, number, ghost, flags | O.nonblock);
    stage.run(what, SYS.fcntl, [number, F.setfl, flags & SETTABLE]);
  };
  const openEnd = ({ id, number, flags }: End): void => {
    const kept = flags & (O.accessMode | SETTABLE) & ~O.direct;
    open(`open file ${String(id)} (${path})`, number, kept);
  };
  const unwritten = ends.filter((end) => end.isUnwritten);
  const opener = stage.reserve();
  open(`open FIFO (${path})`, opener, O.rdwr | O.nonblock);
  for (const end of ends) if (!end.isUnwritten) openEnd(end);
  planPipeData(stage, opener, data);
  const reader = stage.reserve();
  if (unwritten.length > 0) open(`open FIFO (${path})`, reader, O.rdonly | O.nonblock);
  stage.close(opener);
  if (unwritten.length === 0) return;
  for (const end of unwritten) openEnd(end);
  stage.close(reader);
}
