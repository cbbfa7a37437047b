// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../../../common/errors.js';
import { SYS } from '../../../../native/sys.js';
import type { CheckedFiles } from '../../../image/entry-kind.js';
import type { PipeEntry } from '../../../image/types.js';
import { canRead, canWrite } from '../access.js';
import { F, O, S_IF, SETTABLE } from '../../../../native/abi/index.js';
import { inodeOwnerOf, planInodeOwner } from '../deleted/inode-attributes.js';
import type { DumpContext } from '../dump-context.js';
import type { PipeContent } from '../files-image.js';
import { groupBy } from '../../../../common/group-by.js';
import type { FileKind, FoundFile, StagedFile } from '../kind.js';
import { inodeKey, type OpenFile } from '../open-file.js';
import { dumpOwner } from '../owner.js';
import type { PlanContext } from '../plan-context.js';
import type { Stage } from '../stage.js';
import { dumpPipeData, otherEndIsGone, pipeId, planPipeData } from './pipe-data.js';

/** Unnamed pipes, whose ends are all inside the container. */
export const PIPE: FileKind<'pipe'> = {
  type: 'PIPE',
  body: 'pipe',
  claims: isPlainPipe,
  dump,
  dumpRest,
  checkAll,
  openAll,
};

/** A pipe that has no name. */
export function isPlainPipe({ stat, link }: FoundFile): boolean {
  return (Number(stat.mode) & S_IF.mask) === S_IF.fifo && link.startsWith('pipe:');
}

/** Whether a process of the container holds the other end of a pipe. */
export function hasOtherEnd(context: DumpContext, file: OpenFile): boolean {
  const others = context.open.ofInode(file.stat);
  return others.some((other) => (canRead(file.flags) ? canWrite : canRead)(other.flags));
}

function dump(context: DumpContext, file: OpenFile): PipeEntry {
  if (!hasOtherEnd(context, file) && !otherEndIsGone(file)) {
    const reason = `the other end of ${file.link} is outside the container; remedy: close it`;
    context.refusals.add(file.where, reason);
  }
  return pipeEntry(context, file);
}

/** The entry of an end, whoever has the other one. */
export function pipeEntry(context: DumpContext, file: OpenFile): PipeEntry {
  if (file.flags & O.direct) {
    context.refusals.add(
      file.where,
      'a pipe in packet mode (O_DIRECT) cannot be restored; remedy: close it',
    );
  }
  const fown = dumpOwner(context, file);
  const owner = inodeOwnerOf(file.stat);
  return { id: file.id, pipe_id: pipeId(file), flags: file.flags, fown, ...owner };
}

/** Unread data, of each pipe once. */
function dumpRest(context: DumpContext, files: readonly OpenFile[]): void {
  const pipes = new Map(files.map((file) => [inodeKey(file.stat), file]));
  for (const { stat } of pipes.values()) {
    const ends = context.open.ofInode(stat).filter(({ flags }) => !(flags & O.path));
    const data = dumpPipeData(ends);
    if (data) context.image.pipeData.push(data);
  }
}

function checkAll(pipes: readonly PipeEntry[], { image }: CheckedFiles): void {
  const ids = new Set(pipes.map(({ pipe_id: id }) => id));
  for (const { entry } of image.pipeData) {
    if (!ids.has(entry.pipe_id)) badImage(`check pipes-data: no pipe ${String(entry.pipe_id)}`);
  }
}

function openAll(plan: PlanContext, files: readonly StagedFile<'pipe'>[]): void {
  const data = new Map(plan.index.image.pipeData.map((item) => [item.entry.pipe_id, item]));
  for (const [id, ends] of groupBy(files, ({ body }) => body.pipe_id)) {
    make(plan.stage, ends, data.get(id));
  }
}

/** Creates a pipe with its data and opens each end that the image has. */
function make(
  stage: Stage,
  ends: readonly StagedFile<'pipe'>[],
  data: PipeContent | undefined,
): void {
  const reader = stage.reserve();
  const writer = stage.reserve();
  const what = `make pipe of file ${String(ends[0]?.body.id)}`;
  const args = { before: [], after: [O.cloexec] };
  stage.makePair(what, [reader, writer], SYS.pipe2, args);
  planInodeOwner(stage, what, reader, ends[0]?.body ?? {});
  planPipeData(stage, writer, data);
  const plain = new Map<number, number>([
    [O.rdonly, reader],
    [O.wronly, writer],
  ]);
  for (const { body, number } of ends) {
    const { flags, id } = body;
    const access = flags & O.accessMode;
    const first = plain.get(access);
    plain.delete(access);
    const source = access === O.rdonly ? reader : writer;
    const settable = flags & SETTABLE & ~O.direct;
    if (first === undefined)
      stage.reopen(`open file ${String(id)}`, number, source, access | settable);
    else {
      stage.copy(what, number, first);
      if (settable) stage.run(what, SYS.fcntl, [number, F.setfl, settable]);
    }
  }
  stage.close(reader);
  stage.close(writer);
}
