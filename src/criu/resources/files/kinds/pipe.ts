// SPDX-License-Identifier: Apache-2.0
import { readSync } from 'node:fs';
import { syscall } from '../../../../native/index.js';
import { check, closeFd, SYS } from '../../../../native/sys.js';
import type { FifoEntry, PipeEntry } from '../../../image/types.js';
import { F, IOCTL, O, POLL, SETTABLE } from '../abi.js';
import type { DumpContext } from '../dump-context.js';
import type { PipeContent } from '../files-image.js';
import { inodeOwnerOf, planInodeOwner, type InodeOwner } from '../deleted/inode-attributes.js';
import type { OpenFile } from '../open-file.js';
import { dumpOwner } from '../owner.js';
import type { Stage } from '../stage.js';
import { fcntl, ioctlInt, makePipe, openOwn, pipeSize, pollNow } from '../system.js';

const SPLICE_F_NONBLOCK = 2;
const DEFAULT_SIZE = 65536;
/** Largest size of a pipe that is believed to an image: the kernel's own bound is far below. */
const MAX_SIZE = 1 << 30;

/** The number of a pipe in the image. */
export function pipeId(file: OpenFile): number {
  return Number(file.stat.ino & 0xffffffffn);
}

export function canRead(flags: number): boolean {
  return (flags & O.accessMode) !== O.wronly;
}

export function canWrite(flags: number): boolean {
  return (flags & O.accessMode) !== O.rdonly;
}

/** Whether nobody but this end's own side is left: no writer for a reader, no reader for a writer. */
export function otherEndIsGone(file: OpenFile): boolean {
  const sign = canRead(file.flags) ? POLL.hup : POLL.err;
  return (pollNow(file.own, POLL.in) & sign) !== 0;
}

/** One end of a pipe that stays inside the container. */
export function dumpPipe(context: DumpContext, file: OpenFile): PipeEntry {
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

/** Size and unread data of a pipe or FIFO, without taking anything out. */
export function dumpPipeData(ends: readonly OpenFile[]): PipeContent | undefined {
  const [first] = ends;
  if (!first) return undefined;
  const reader = ends.find((end) => canRead(end.flags) && !(end.flags & O.path));
  const size = pipeSize(first.own);
  const payload = reader ? copyData(reader.own, size) : copyAbandoned(first.own, size);
  return { entry: { pipe_id: pipeId(first), bytes: payload.length, size }, payload };
}

/** What was left when the last reader went: a new one would get it. */
function copyAbandoned(writer: number, size: number): Uint8Array {
  if (ioctlInt(writer, IOCTL.fionread) === 0) return new Uint8Array();
  const reader = openOwn(`/proc/self/fd/${String(writer)}`, O.rdonly | O.nonblock);
  try {
    return copyData(reader, size);
  } finally {
    closeFd(reader);
  }
}

function copyData(reader: number, size: number): Uint8Array {
  const expected = ioctlInt(reader, IOCTL.fionread) ?? 0;
  if (expected === 0) return new Uint8Array();
  const [copyReader, copyWriter] = makePipe();
  try {
    check('make room for the data of a pipe', fcntl(copyWriter, F.setPipeSize, size));
    const args = [reader, copyWriter, expected, SPLICE_F_NONBLOCK] as const;
    const length = check('copy the data of a pipe', syscall(SYS.tee, ...args));
    const data = Buffer.alloc(length);
    let done = 0;
    while (done < length) done += readSync(copyReader, data, done, length - done, null);
    return data;
  } finally {
    closeFd(copyReader);
    closeFd(copyWriter);
  }
}

/** The ends of one pipe in the image, each with the number it is staged at. */
export interface StagedEnd {
  readonly id: number;
  readonly flags: number;
  readonly number: number;
}

/** What a pipe is made of: {@link planPipe}. */
export interface PipeParts {
  readonly ends: readonly StagedEnd[];
  readonly owner: InodeOwner;
  readonly data: PipeContent | undefined;
}

/** Makes a pipe with its data and opens each end that the image has. */
export function planPipe(stage: Stage, { ends, owner, data }: PipeParts): void {
  const reader = stage.reserve();
  const writer = stage.reserve();
  const what = `make pipe of file ${String(ends[0]?.id)}`;
  const args = { before: [], after: [O.cloexec] };
  stage.makePair(what, [reader, writer], SYS.pipe2, args);
  planInodeOwner(stage, what, reader, owner);
  planPipeData(stage, writer, data);
  const plain = new Map<number, number>([
    [O.rdonly, reader],
    [O.wronly, writer],
  ]);
  for (const { flags, number, id } of ends) {
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

/** Sets the size of a pipe or FIFO and puts data into it: never more than it takes without a reader. */
export function planPipeData(stage: Stage, writer: number, data: PipeContent | undefined): void {
  if (!data) return;
  const { size = DEFAULT_SIZE } = data.entry;
  const what = `fill pipe ${String(data.entry.pipe_id)}`;
  if (size !== DEFAULT_SIZE) {
    stage.run(`${what}: set its size`, SYS.fcntl, [
      writer,
      F.setPipeSize,
      Math.min(size, MAX_SIZE),
    ]);
  }
  if (data.payload.length === 0) return;
  stage.run(what, SYS.fcntl, [writer, F.setfl, O.nonblock]);
  stage.sequence.write(what, writer, stage.builder.data(data.payload, 1), data.payload.length);
  stage.run(what, SYS.fcntl, [writer, F.setfl, 0]);
}

/** One open FIFO: `regf_id` is the entry of its path. */
export function dumpFifo(context: DumpContext, file: OpenFile, pathId: number): FifoEntry {
  const ends = context.open.ofInode(file.stat).filter(({ flags }) => !(flags & O.path));
  const hasWriter = ends.some(({ flags }) => canWrite(flags));
  return {
    id: file.id,
    pipe_id: pipeId(file),
    regf_id: pathId,
    mvas_unwritten: !hasWriter && !otherEndIsGone(file),
  };
}

/** Where a FIFO is opened: by its path, or where it has none any more, by way of a descriptor on it. */
export interface FifoPlace {
  readonly path: string;
  readonly ghost: number | undefined;
}

/** A FIFO's end, with the number it is staged at. */
export interface FifoEnd extends StagedEnd {
  /** It has never seen a writer, and must not now. */
  readonly isUnwritten: boolean;
}

/**
 * Opens every end of a FIFO. An opener of both sides is there first, so that nobody waits, and a reader beside it,
 * which keeps the content until those are there that must not see a writer: fs/pipe.c notes for them, when they are
 * opened without one, how many there have been.
 */
export function planFifo(
  stage: Stage,
  { path, ghost }: FifoPlace,
  ends: readonly FifoEnd[],
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
  const openEnd = ({ id, number, flags }: StagedEnd): void => {
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
