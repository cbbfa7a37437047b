// SPDX-License-Identifier: Apache-2.0
import { readSync } from 'node:fs';
import { syscall } from '../../../../native/index.js';
import { check, closeFd, SYS } from '../../../../native/sys.js';
import { canRead } from '../access.js';
import { F, IOCTL, O, POLL } from '../../../../native/abi/index.js';
import type { PipeContent } from '../files-image.js';
import type { OpenFile } from '../open-file.js';
import type { Stage } from '../stage.js';
import { fcntl, ioctlInt, makePipe, openOwn, pipeSize, pollNow } from '../system.js';

/* What pipes and FIFOs have in common: size and unread data. */

const SPLICE_F_NONBLOCK = 2;
const DEFAULT_SIZE = 65536;
/** Largest size of a pipe accepted from an image; the kernel's own bound is far below. */
const MAX_SIZE = 1 << 30;

/** The number of a pipe in the image. */
export function pipeId(file: OpenFile): number {
  return Number(file.stat.ino & 0xffffffffn);
}

/** Whether only this end's own side is left: no writer for a reader, no reader for a writer. */
export function otherEndIsGone(file: OpenFile): boolean {
  const sign = canRead(file.flags) ? POLL.hup : POLL.err;
  return (pollNow(file.own, POLL.in) & sign) !== 0;
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

/** What was left when the last reader went; a new reader would get it. */
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

/** Sets the size of a pipe or FIFO and puts data into it: never more than fits without a reader. */
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
