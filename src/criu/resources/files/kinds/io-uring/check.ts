// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../../../../common/errors.js';
import { asNsTid } from '../../../../../common/ids.js';
import { O } from '../../../../../native/abi/index.js';
import { IORING_OFFSET, IORING_SETUP } from '../../../../../native/io-uring.js';
import type { CheckedFiles } from '../../../../image/entry-kind.js';
import type { FileEntry, MvasIoUringEntry, MvasRingFiles } from '../../../../image/types.js';
import { checkBuffers } from './buffers.js';
import { entryBytes, placesOf, type RingShape, shapesOf } from './layout.js';

/** Each takes some 60 ns at a restore. */
export const MAX_REQUESTS = 1 << 26;
/** Flags of io_uring_setup(2) that a restored one has again. */
export const KEPT_SETUP =
  IORING_SETUP.submitAll |
  IORING_SETUP.coopTaskrun |
  IORING_SETUP.taskrunFlag |
  IORING_SETUP.singleIssuer |
  IORING_SETUP.deferTaskrun |
  IORING_SETUP.noArray |
  IORING_SETUP.mixedCompletions;
/** IORING_MAX_ENTRIES and IORING_MAX_CQ_ENTRIES of io_uring.c. */
const MOST = { sqEntries: 32_768, cqEntries: 65_536 } as const;

/** IORING_MAX_FIXED_FILES of rsrc.c, and IO_RINGFD_REG_MAX of io_uring_types.h. */
const MOST_FILES = 1 << 20;
const MOST_DESCRIPTORS = 16;
/** CLOCK_BOOTTIME, the last that waits may have. */
const LAST_CLOCK = 7;

/** An image's io_uring is one that can be, and its memory says of it what the image says. Throws ShimError `dataLoss`. */
export function checkRing(entry: MvasIoUringEntry, files: CheckedFiles, what: string): void {
  const { flags, sq_entries: sqEntries, cq_entries: cqEntries, requests } = entry;
  if (flags & O.path) badImage(`${what}: an io_uring is not opened by O_PATH`);
  if (entry.setup_flags & ~KEPT_SETUP) badImage(`${what}: unknown flags of an io_uring`);
  const isPossible =
    isPower(sqEntries, MOST.sqEntries) &&
    isPower(cqEntries, MOST.cqEntries) &&
    cqEntries >= sqEntries;
  if (!isPossible) badImage(`${what}: an impossible size of an io_uring`);
  if (requests > MAX_REQUESTS) badImage(`${what}: too many requests of an io_uring`);
  const shape = shapeOfEntry(entry);
  if (!shape || entry.entries.length !== entryBytes(shape)) {
    badImage(`${what}: the memory of an io_uring has another size`);
  }
  checkHeads(entry, shape, what);
  checkKept(entry, files, what);
  checkBuffers(entry, files, what);
}

/** What is registered is there, and who may use it, too. */
function checkKept(entry: MvasIoUringEntry, files: CheckedFiles, what: string): void {
  const { clock = 0, registered, eventfd, eventfd_async: isAsync, issuer, descriptors } = entry;
  const isExclusive = (entry.setup_flags & IORING_SETUP.singleIssuer) !== 0;
  if (isExclusive !== (issuer !== undefined)) badImage(`${what}: nobody may use an io_uring`);
  if (clock > LAST_CLOCK) badImage(`${what}: an unknown clock of an io_uring`);
  if (eventfd !== undefined) files.need(eventfd, ['EVENTFD'], what);
  else if (isAsync !== undefined) badImage(`${what}: an io_uring without an eventfd`);
  if (registered) checkFiles(registered, files, what);
  const users = [...descriptors.map(({ tid }) => tid), ...(issuer === undefined ? [] : [issuer])];
  const missing = users.find((tid) => !files.image.cores.has(asNsTid(tid)));
  if (missing !== undefined) badImage(`${what}: there is no thread ${String(missing)}`);
  if (descriptors.some(({ index }) => index >= MOST_DESCRIPTORS))
    badImage(`${what}: too many registered descriptors of an io_uring`);
}

function checkFiles(
  { size, from, to, files }: MvasRingFiles,
  all: CheckedFiles,
  what: string,
): void {
  const isPossible = size > 0 && size <= MOST_FILES && from <= to && to <= size;
  if (!isPossible) badImage(`${what}: an impossible table of registered files`);
  const indices = new Set(files.map(({ index }) => index));
  if (indices.size !== files.length || files.some(({ index }) => index >= size))
    badImage(`${what}: a registered file has an impossible place`);
  const bad = files.find(({ file }) => !canRegister(all.get(file)));
  if (bad) badImage(`${what}: file ${String(bad.file)} cannot be registered`);
}

/** A pidfd can be opened only when its process exists. */
function canRegister(file: FileEntry | undefined): boolean {
  return file !== undefined && file.type !== 'MVAS_IO_URING' && (file.pidfd?.nspid ?? -1) < 0;
}

/** The shape that its memory has; undefined if there is none. */
export function shapeOfEntry(entry: MvasIoUringEntry): RingShape | undefined {
  const hasArray = (entry.setup_flags & IORING_SETUP.noArray) === 0;
  const shapes = shapesOf(entry.sq_entries, entry.cq_entries, entry.rings.length);
  return shapes.find((shape) => shape.hasArray === hasArray);
}

/** Whether an io_uring can be mapped at an offset. */
export function canMapRingAt(offset: bigint): boolean {
  const { rings, completions, entries } = IORING_OFFSET;
  return offset === rings || offset === completions || offset === entries;
}

function checkHeads({ rings, requests }: MvasIoUringEntry, shape: RingShape, what: string): void {
  const places = placesOf(shape.header);
  if (!places) badImage(`${what}: the memory of an io_uring has another size`);
  const memory = Buffer.from(rings.buffer, rings.byteOffset, rings.byteLength);
  const [head, tail] = [memory.readUInt32LE(places.cqHead), memory.readUInt32LE(places.cqTail)];
  const taken = memory.readUInt32LE(places.sqHead);
  if (taken !== requests || tail !== requests || head > tail || tail - head > shape.cqEntries) {
    badImage(`${what}: the counts of an io_uring contradict each other`);
  }
}

function isPower(value: number, most: number): boolean {
  return value > 0 && value <= most && (value & (value - 1)) === 0;
}
