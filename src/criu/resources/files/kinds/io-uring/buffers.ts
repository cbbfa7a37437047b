// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../../../../common/errors.js';
import { asNsTid, type HostPid, type NsTid } from '../../../../../common/ids.js';
import { IORING_REGISTER } from '../../../../../native/io-uring.js';
import {
  isAt,
  type RegisteredBuffer,
  type RegisteredBuffers,
} from '../../../../../native/kernel/index.js';
import { SYS } from '../../../../../native/sys.js';
import type { CheckedFiles } from '../../../../image/entry-kind.js';
import type { MvasIoUringEntry, MvasRingBuffers } from '../../../../image/types.js';
import { entriesOf } from '../../../../image/vma-rows.js';
import { PlanPointer } from '../../../../plan/values.js';
import { readMaps } from '../../../../procfs/reader.js';
import type { Vma } from '../../../../procfs/maps.js';
import type { TablePlan } from '../../table-plan.js';

/** IORING_MAX_REG_BUFFERS, and the longest buffer (io_uring/rsrc.c). */
const MOST_BUFFERS = 1 << 14;
const LONGEST = 1 << 30;
const PROT_WRITE = 2;
/** `struct io_uring_rsrc_register`, and `struct iovec`. */
const REGISTER = { data: 16, tags: 24, size: 32 } as const;
const VECTOR = 16;

/** A process that may have registered buffers. */
export interface BufferOwner {
  readonly pid: HostPid;
  /** The thread that is to register them again. */
  readonly nsTid: NsTid;
}

/**
 * Describes registered buffers: they have to lie in the memory of one of some processes, where they were registered.
 *
 * @returns what else they are, in words
 */
export function describeBuffers(
  { size, buffers }: RegisteredBuffers,
  owners: readonly BufferOwner[],
): MvasRingBuffers | string | undefined {
  if (size === 0) return undefined;
  const lost = (one: RegisteredBuffer | undefined): string =>
    `with a registered buffer (IORING_REGISTER_BUFFERS, number ${String(one?.index ?? 0)}) whose memory is mapped there no longer, or not to be written to,`;
  let missing = buffers[0];
  for (const { pid, nsTid } of owners) {
    const maps = readMaps(pid);
    missing = buffers.find((one) => !isWritable(one, maps) || !isAt(one, pid));
    if (missing) continue;
    const entries = buffers.map(({ index, address, length, tag }) => ({
      index,
      address,
      length,
      tag,
    }));
    return { size, tid: nsTid, buffers: entries };
  }
  return lost(missing);
}

/** A mapping, as far as it matters here. */
type Area = Pick<Vma, 'start' | 'end' | 'write'>;

/** Whether all of a buffer is mapped to be written to, as registering it demands. */
function isWritable(
  { address, length }: Pick<RegisteredBuffer, 'address' | 'length'>,
  maps: readonly Area[],
): boolean {
  const end = address + BigInt(length);
  let at = address;
  for (const area of maps) {
    if (area.end <= at || area.start > at) continue;
    if (!area.write) return false;
    at = area.end;
    if (at >= end) return true;
  }
  return false;
}

/** An image's buffers are such as can be registered. Throws ShimError `dataLoss`. */
export function checkBuffers(entry: MvasIoUringEntry, files: CheckedFiles, what: string): void {
  const { buffers: table, issuer } = entry;
  if (!table) return;
  const { size, tid, buffers } = table;
  if (size === 0 || size > MOST_BUFFERS) badImage(`${what}: an impossible table of buffers`);
  const indices = new Set(buffers.map(({ index }) => index));
  if (indices.size !== buffers.length || buffers.some(({ index }) => index >= size))
    badImage(`${what}: a registered buffer has an impossible place`);
  const maps = memoryOf(files.image, asNsTid(tid));
  const isPossible = buffers.every(
    (one) => one.length > 0 && one.length <= LONGEST && isWritable(one, maps),
  );
  if (!isPossible) badImage(`${what}: an impossible buffer`);
  if (!files.image.cores.has(asNsTid(tid)) || (issuer !== undefined && issuer !== tid))
    badImage(`${what}: thread ${String(tid)} cannot register its buffers`);
}

/** The memory of a thread. */
function memoryOf({ pstree, mms }: CheckedFiles['image'], tid: NsTid): Area[] {
  const pid = pstree.find(({ threads }) => threads.includes(tid))?.pid;
  const vmas = (pid === undefined ? undefined : mms.get(pid)?.vmas) ?? [];
  return Array.from(entriesOf(vmas), ({ start, end, prot }) => {
    return { start, end, write: (prot & PROT_WRITE) !== 0 };
  });
}

/** Registers buffers, by the thread that is to do so, when its memory is in place. */
export function registerBuffers(
  { builder, sequence }: TablePlan,
  fd: number,
  entry: MvasIoUringEntry,
): void {
  if (!entry.buffers) return;
  const { size, buffers } = entry.buffers;
  const what = `io_uring ${String(entry.id)}: registered buffers`;
  const vectors = Buffer.alloc(size * VECTOR);
  const tags = Buffer.alloc(size * 8);
  for (const { index, address, length, tag } of buffers) {
    vectors.writeBigUInt64LE(address, index * VECTOR);
    vectors.writeBigUInt64LE(BigInt(length), index * VECTOR + 8);
    tags.writeBigUInt64LE(tag, index * 8);
  }
  const head = Buffer.alloc(REGISTER.size);
  head.writeUInt32LE(size);
  const request = builder.data(head);
  sequence.poke(what, new PlanPointer(request, REGISTER.data), builder.data(vectors));
  if (buffers.some(({ tag }) => tag !== 0n))
    sequence.poke(what, new PlanPointer(request, REGISTER.tags), builder.data(tags));
  const args = [fd, IORING_REGISTER.taggedBuffers, request, REGISTER.size];
  sequence.syscall(what, SYS.io_uring_register, args);
}
