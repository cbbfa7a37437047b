// SPDX-License-Identifier: Apache-2.0
import { SETTABLE, SYS, F } from '../../../../../native/abi/index.js';
import {
  IORING_REGISTER,
  IORING_SETUP,
  URING_PARAMS_BYTES,
} from '../../../../../native/io-uring.js';
import type { NsTid } from '../../../../../common/ids.js';
import { badImage } from '../../../../../common/errors.js';
import { bodyOf } from '../../../../image/entry-kind.js';
import type { MvasIoUringEntry, MvasRingFiles } from '../../../../image/types.js';
import type { PlanBuilder } from '../../../../plan/builder.js';
import { type PlanData, PlanPointer } from '../../../../plan/values.js';
import type { Sequence } from '../../../../plan/sequence.js';
import type { StagedFile } from '../../kind.js';
import type { PlanContext } from '../../plan-context.js';
import type { TablePlan } from '../../table-plan.js';
import { registerBuffers } from './buffers.js';
import { shapeOfEntry } from './check.js';
import { arrayAt, placesOf } from './layout.js';

/** Offsets in `struct io_uring_params`. */
const PARAMS = {
  sqEntries: 0,
  cqEntries: 4,
  flags: 8,
  submissions: { head: 40, tail: 44, array: 64 },
  completions: { head: 80, tail: 84, cqes: 100, flags: 104 },
} as const;
/** In `struct io_uring_rsrc_register`. */
const REGISTER = { data: 16, tags: 24, size: 32 } as const;

/** Makes an io_uring, and what it was: with its counts, and with completions that nobody has read. */
export function openRing(
  { stage, builder }: PlanContext,
  entry: MvasIoUringEntry,
  number: number,
): void {
  const what = `make io_uring ${String(entry.id)}`;
  const isExclusive = entry.issuer !== undefined;
  const setup = builder.data(paramsOf(entry, isExclusive ? IORING_SETUP.disabled : 0));
  stage.make(what, number, SYS.io_uring_setup, [entry.sq_entries, setup]);
  const flags = entry.flags & SETTABLE;
  if (flags !== 0) stage.run(`${what}: flags`, SYS.fcntl, [number, F.setfl, flags]);
  // Only its own thread may do this for one that it alone may use.
  if (!isExclusive) fill(builder, { sequence: stage.sequence, fd: number, params: setup }, entry);
}

/** Registers files and clocks, once all files are open. */
export function registerWithRings(
  plan: PlanContext,
  files: readonly StagedFile<'mvas_io_uring'>[],
): void {
  plan.atEnd(() => {
    for (const { body, number } of files) register(plan, body, number);
  });
}

/** What only a thread itself can do: it enables an io_uring of its own, and registers descriptors. */
export function finishRings(table: TablePlan, nsTid: NsTid): void {
  for (const file of table.index.filesOf('MVAS_IO_URING')) {
    const entry = bodyOf(file, 'mvas_io_uring');
    if (entry.issuer === nsTid) enable(table, entry);
    if (entry.buffers?.tid === nsTid) registerBuffers(table, table.descriptorOf(entry.id), entry);
    for (const { tid, index } of entry.descriptors)
      if (tid === nsTid) registerDescriptor(table, entry, index);
  }
}

function register(plan: PlanContext, entry: MvasIoUringEntry, number: number): void {
  const { builder, stage } = plan;
  const call = (what: string, operation: number, argument: Buffer, count: number): void => {
    const args = [number, operation, builder.data(argument), count];
    stage.run(`io_uring ${String(entry.id)}: ${what}`, SYS.io_uring_register, args);
  };
  if (entry.clock !== undefined) {
    const clock = Buffer.alloc(16);
    clock.writeUInt32LE(entry.clock);
    call('clock', IORING_REGISTER.clock, clock, 0);
  }
  if (entry.eventfd !== undefined) {
    const { eventfd, eventfdAsync } = IORING_REGISTER;
    const operation = entry.eventfd_async === true ? eventfdAsync : eventfd;
    call('eventfd', operation, int32(plan.number(entry.eventfd)), 1);
  }
  if (entry.registered) registerFiles(plan, { entry, number }, entry.registered);
}

function registerFiles(
  plan: PlanContext,
  { entry, number }: { readonly entry: MvasIoUringEntry; readonly number: number },
  { size, from, to, files }: MvasRingFiles,
): void {
  const { builder, stage } = plan;
  const numbers = new Int32Array(size).fill(-1);
  const tags = new BigUint64Array(size);
  for (const { index, file, tag } of files) {
    numbers[index] = plan.number(file);
    tags[index] = tag;
  }
  const what = `io_uring ${String(entry.id)}: registered files`;
  const head = Buffer.alloc(REGISTER.size);
  head.writeUInt32LE(size);
  const request = builder.data(head);
  const list = (at: number, words: Int32Array | BigUint64Array): void => {
    const bytes = builder.data(new Uint8Array(words.buffer));
    stage.sequence.poke(what, new PlanPointer(request, at), bytes);
  };
  list(REGISTER.data, numbers);
  if (files.some(({ tag }) => tag !== 0n)) list(REGISTER.tags, tags);
  stage.run(what, SYS.io_uring_register, [number, IORING_REGISTER.files, request, REGISTER.size]);
  if (from === 0 && to === size) return;
  const range = Buffer.alloc(16);
  [from, to - from].forEach((word, index) => range.writeUInt32LE(word, 4 * index));
  const args = [number, IORING_REGISTER.allocRange, builder.data(range), 0];
  stage.run(what, SYS.io_uring_register, args);
}

/** Lets an io_uring be used by the thread that runs this, and by no other. */
function enable(table: TablePlan, entry: MvasIoUringEntry): void {
  const fd = table.descriptorOf(entry.id);
  const what = `enable io_uring ${String(entry.id)}`;
  table.sequence.syscall(what, SYS.io_uring_register, [fd, IORING_REGISTER.enable, null, 0]);
  const params = table.builder.data(paramsOf(entry));
  fill(table.builder, { sequence: table.sequence, fd, params }, entry);
}

function fill(
  builder: PlanBuilder,
  ring: { readonly sequence: Sequence; readonly fd: number; readonly params: PlanData },
  entry: MvasIoUringEntry,
): void {
  const { sequence, fd, params } = ring;
  sequence.ring(`io_uring ${String(entry.id)}: its counts and memory`, {
    fd,
    params,
    requests: entry.requests,
    rings: builder.data(entry.rings),
    entries: builder.data(entry.entries),
  });
}

function registerDescriptor(table: TablePlan, entry: MvasIoUringEntry, index: number): void {
  const request = Buffer.alloc(16);
  request.writeUInt32LE(index);
  const fd = table.descriptorOf(entry.id);
  request.writeBigUInt64LE(BigInt(fd), 8);
  const args = [fd, IORING_REGISTER.descriptors, table.builder.data(request), 1];
  const what = `io_uring ${String(entry.id)}: registered descriptor ${String(index)}`;
  table.sequence.syscall(what, SYS.io_uring_register, args, { expect: 1 });
}

/** What asks for an io_uring, with what the kernel then tells of it: the same as at the checkpoint, since that was in this boot. */
function paramsOf(entry: MvasIoUringEntry, flags = 0): Buffer {
  const shape = shapeOfEntry(entry);
  const places = shape && placesOf(shape.header);
  if (!places) badImage(`io_uring ${String(entry.id)} has no shape`);
  const params = Buffer.alloc(URING_PARAMS_BYTES);
  const put = (at: number, value: number): void => {
    params.writeUInt32LE(value >>> 0, at);
  };
  put(PARAMS.sqEntries, entry.sq_entries);
  put(PARAMS.cqEntries, entry.cq_entries);
  put(PARAMS.flags, entry.setup_flags | IORING_SETUP.cqSize | flags);
  put(PARAMS.submissions.head, places.sqHead);
  put(PARAMS.submissions.tail, places.sqTail);
  put(PARAMS.submissions.array, shape.hasArray ? arrayAt(shape) : 0);
  put(PARAMS.completions.head, places.cqHead);
  put(PARAMS.completions.tail, places.cqTail);
  put(PARAMS.completions.cqes, shape.header);
  put(PARAMS.completions.flags, places.cqFlags);
  return params;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}
