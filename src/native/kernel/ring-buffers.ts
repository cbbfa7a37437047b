// SPDX-License-Identifier: Apache-2.0
import { closeSync, openSync, readSync } from 'node:fs';
import { PAGE } from '../abi/index.js';
import { addressOf, syscall } from '../index.js';
import { IORING_REGISTER, URING_PARAMS_BYTES } from '../io-uring.js';
import { closeFd, SYS } from '../sys.js';
import type { RingBufferLayout } from './layout.js';
import { readKernel, UnreadableKernel } from './memory.js';
import type { KernelObjects } from './objects.js';

/*
 * Buffers that are registered with an io_uring: the kernel has pinned their pages, and reads and writes these, whatever is
 * mapped at their addresses by now.
 */

/** Contiguous memory: the number of its first page, how much of that is before it, and its length. */
interface Piece {
  readonly frame: bigint;
  readonly before: number;
  readonly length: number;
}

/** A registered buffer. */
export interface RegisteredBuffer {
  readonly index: number;
  readonly address: bigint;
  readonly length: number;
  readonly tag: bigint;
  /** The numbers of its pages. */
  readonly frames: readonly bigint[];
}

/** The table of registered buffers; some places may be empty. */
export interface RegisteredBuffers {
  readonly size: number;
  readonly buffers: readonly RegisteredBuffer[];
}

/** IORING_MAX_REG_BUFFERS, and the longest buffer (io_uring/rsrc.c). */
const MOST_BUFFERS = 1 << 14;
const LONGEST = 1 << 30;
/** Size of `struct bio_vec`, and of `struct page`. */
const VECTOR = 16;
const PAGE_STRUCT = 64n;
/** Of an entry of /proc/PID/pagemap: its page is there, and the number of that. */
const PRESENT = 1n << 63n;
const FRAME = (1n << 55n) - 1n;
const ENTRY = 8;

/** Reads the registered buffers of io_urings. */
export class RingBuffers {
  readonly #objects: KernelObjects;
  readonly #layout: RingBufferLayout;
  /** The `struct page` of page 0, in sizes of one. */
  readonly #firstPage: bigint;

  private constructor(objects: KernelObjects, layout: RingBufferLayout, firstPage: bigint) {
    this.#objects = objects;
    this.#layout = layout;
    this.#firstPage = firstPage;
  }

  /** Finds out by a buffer of our own where the kernel describes pages; undefined if it does so in an unknown way. */
  static learn(objects: KernelObjects, layout: RingBufferLayout): RingBuffers | undefined {
    const sample = Buffer.alloc(3 * Number(PAGE), 1);
    const ring = syscall(SYS.io_uring_setup, 1, Buffer.alloc(URING_PARAMS_BYTES));
    if (ring < 0) return undefined;
    try {
      return registersItself(ring, sample) ? this.#fromSample(objects, layout, ring) : undefined;
    } catch (error) {
      if (error instanceof UnreadableKernel) return undefined;
      throw error;
    } finally {
      closeFd(ring);
    }
  }

  static #fromSample(
    objects: KernelObjects,
    layout: RingBufferLayout,
    ring: number,
  ): RingBuffers | undefined {
    const context = objects.privateData(ring);
    const [raw] = new RingBuffers(objects, layout, 0n).of(context)?.buffers ?? [];
    const frames = raw && framesAt('self', raw.address, raw.length);
    const [described, mapped] = [raw?.frames[0], frames?.[0]];
    if (described === undefined || mapped === undefined) return undefined;
    const learned = new RingBuffers(objects, layout, described - mapped);
    const [again] = learned.of(context)?.buffers ?? [];
    return again && isAt(again, 'self') ? learned : undefined;
  }

  /** Those of a `struct io_ring_ctx`; undefined if one is not of a process's memory. @throws UnreadableKernel */
  of(ring: bigint): RegisteredBuffers | undefined {
    const { io_ring_ctx, io_rsrc_data: data, io_rsrc_node: node } = this.#layout;
    const objects = this.#objects;
    const table = ring + BigInt(io_ring_ctx.buf_table);
    const size = objects.number(table, data.nr);
    if (size > MOST_BUFFERS) throw new UnreadableKernel('no table of buffers');
    const nodes = objects.pointers(objects.pointer(table, data.nodes), size);
    const buffers: RegisteredBuffer[] = [];
    for (const [index, one] of nodes.entries()) {
      if (one === 0n) continue;
      const found = this.#bufferAt(objects.pointer(one, node.buf));
      if (!found) return undefined;
      buffers.push({ index, tag: objects.pointer(one, node.tag), ...found });
    }
    return { size, buffers };
  }

  #bufferAt(address: bigint): Omit<RegisteredBuffer, 'index' | 'tag'> | undefined {
    const { io_mapped_ubuf: at, ofKernel } = this.#layout;
    const objects = this.#objects;
    if (ofKernel !== undefined && (readKernel(address + BigInt(ofKernel), 1)[0] ?? 0) & 1)
      return undefined;
    const [start, length] = [objects.pointer(address, at.ubuf), objects.number(address, at.len)];
    const count = objects.number(address, at.nr_bvecs);
    if (length > LONGEST || count > LONGEST / Number(PAGE) + 1)
      throw new UnreadableKernel('no buffer');
    const rows = readKernel(address + BigInt(at.bvec), count * VECTOR);
    const pieces = Array.from({ length: count }, (_, index) => this.#pieceIn(rows, index));
    return { address: start, length, frames: framesOf(pieces, start, length) };
  }

  #pieceIn(rows: Buffer, index: number): Piece {
    const { bv_page, bv_len, bv_offset } = this.#layout.bio_vec;
    const row = rows.subarray(index * VECTOR, (index + 1) * VECTOR);
    const offset = row.readUInt32LE(bv_offset);
    const frame = row.readBigUInt64LE(bv_page) / PAGE_STRUCT - this.#firstPage;
    const before = offset % Number(PAGE);
    return { frame: frame + BigInt(offset) / PAGE, before, length: row.readUInt32LE(bv_len) };
  }
}

function registersItself(ring: number, sample: Buffer): boolean {
  const request = Buffer.alloc(VECTOR);
  request.writeBigUInt64LE(addressOf(sample));
  request.writeBigUInt64LE(BigInt(sample.length), 8);
  return syscall(SYS.io_uring_register, ring, IORING_REGISTER.buffers, request, 1) >= 0;
}

/** The pages of a buffer, whose pieces have to be as long as it is and begin where it begins in a page. */
function framesOf(pieces: readonly Piece[], start: bigint, length: number): bigint[] {
  const frames: bigint[] = [];
  let at = Number(start % PAGE);
  const end = at + length;
  for (const { frame, before, length: bytes } of pieces) {
    if (before !== at % Number(PAGE) || at + bytes > end) throw new UnreadableKernel('no buffer');
    const count = BigInt(before + bytes + Number(PAGE) - 1) / PAGE;
    for (let page = 0n; page < count; page++) frames.push(frame + page);
    at += bytes;
  }
  if (at !== end) throw new UnreadableKernel('no buffer');
  return frames;
}

/** Whether a process has the very pages of a buffer where the buffer is. */
export function isAt({ address, length, frames }: RegisteredBuffer, pid: number | 'self'): boolean {
  const mapped = framesAt(pid, address, length);
  return (
    mapped?.length === frames.length && mapped.every((frame, index) => frame === frames[index])
  );
}

/** The numbers of the pages that a process has there; undefined if one is missing. */
function framesAt(pid: number | 'self', address: bigint, length: number): bigint[] | undefined {
  const first = address / PAGE;
  const count = Number((address + BigInt(length) + PAGE - 1n) / PAGE - first);
  const entries = new BigUint64Array(count);
  const fd = openSync(`/proc/${String(pid)}/pagemap`, 'r');
  try {
    const got = readSync(fd, entries, 0, entries.byteLength, Number(first) * ENTRY);
    if (got !== entries.byteLength) return undefined;
  } finally {
    closeSync(fd);
  }
  const frames = Array.from(entries, (entry) => (entry & PRESENT ? entry & FRAME : 0n));
  return frames.includes(0n) ? undefined : frames;
}
