// SPDX-License-Identifier: Apache-2.0
import type { KernelLayout } from './layout.js';
import { readKernel, UnreadableKernel } from './memory.js';
import { MOST_IN_LIST, type KernelObjects } from './objects.js';

/** More than a buffer of a socket holds. */
const MOST_BYTES = 1 << 24;
/** MAX_SKB_FRAGS, as it usually is (linux/skbuff.h), and the size of `skb_frag_t`. */
const MOST_FRAGMENTS = 17;
const FRAGMENT = 16;
/** The size of `cb` of `struct sk_buff`. */
const CONTROL = 48;
/** The size of a page, in sizes of `struct page`, of which there is one for each. */
const PAGES_PER_PAGE = 64n;

/** Where the memory of pages is: that of the page at an address P begins at 64 P and this many bytes, modulo 2^64. */
export type PageShift = bigint;

/** A part of a buffer that lies in pages of its own. */
export interface Fragment {
  /** Of its `struct page`. */
  readonly page: bigint;
  readonly offset: number;
  readonly length: number;
}

/** A buffer in the queue of a socket (`struct sk_buff`). */
export interface SocketBuffer {
  /** What its protocol keeps in it (`cb`). */
  readonly control: Buffer;
  /** The part that lies in the buffer itself. */
  readonly start: bigint;
  readonly ownLength: number;
  readonly fragments: readonly Fragment[];
}

/** The buffers that wait in the receive queue of a `struct sock`. @throws UnreadableKernel */
export function buffersOf(objects: KernelObjects, sock: bigint): SocketBuffer[] {
  const { sock: { sk_receive_queue: queueAt }, sk_buff_head: list, sk_buff: buffer } = objects.layout; // prettier-ignore
  const queue = sock + BigInt(queueAt);
  const found: SocketBuffer[] = [];
  const count = (): number => readKernel(queue + BigInt(list.qlen), 4).readUInt32LE(0);
  const expected = count();
  let next = objects.pointer(queue, list.next);
  while (next !== queue) {
    if (found.length >= Math.min(expected, MOST_IN_LIST)) throw new UnreadableKernel('no queue');
    const record = readKernel(next, Math.max(...Object.values(buffer)) + CONTROL);
    found.push(bufferIn(objects, record));
    next = record.readBigUInt64LE(buffer.next);
  }
  if (found.length !== expected || count() !== expected) throw new UnreadableKernel('no queue');
  return found;
}

function bufferIn({ layout }: KernelObjects, record: Buffer): SocketBuffer {
  const { sk_buff: at, skb_shared_info: shared } = layout;
  const [length, elsewhere] = [record.readUInt32LE(at.len), record.readUInt32LE(at.data_len)];
  if (length > MOST_BYTES || elsewhere > length) throw new UnreadableKernel('no buffer');
  const info = record.readBigUInt64LE(at.head) + BigInt(record.readUInt32LE(at.end));
  const fragments = fragmentsOf(readKernel(info, shared.frags + MOST_FRAGMENTS * FRAGMENT), shared);
  if (fragments.reduce((sum, one) => sum + one.length, 0) !== elsewhere) {
    throw new UnreadableKernel('no buffer');
  }
  return {
    control: record.subarray(at.cb, at.cb + CONTROL),
    start: record.readBigUInt64LE(at.data),
    ...{ ownLength: length - elsewhere, fragments },
  };
}

/** Those that a `struct skb_shared_info` tells of, with as many bytes behind it as it may have. */
function fragmentsOf(info: Buffer, at: KernelLayout['skb_shared_info']): Fragment[] {
  if (info.readBigUInt64LE(at.frag_list) !== 0n) throw new UnreadableKernel('a list of buffers');
  const count = info.readUInt8(at.nr_frags);
  if (count > MOST_FRAGMENTS) throw new UnreadableKernel('no buffer');
  return Array.from({ length: count }, (_, index) => fragmentIn(info.subarray(at.frags), index));
}

/** `skb_frag_t`: a page, a length, an offset; also where the first two are one `struct bio_vec`. */
function fragmentIn(rows: Buffer, index: number): Fragment {
  const at = index * FRAGMENT;
  const page = rows.readBigUInt64LE(at);
  if (page % 2n !== 0n) throw new UnreadableKernel('memory of a device');
  return { page, length: rows.readUInt32LE(at + 8), offset: rows.readUInt32LE(at + 12) };
}

/** What is in a buffer. @throws UnreadableKernel */
export function bytesOf({ start, ownLength, fragments }: SocketBuffer, shift: PageShift): Buffer {
  return Buffer.concat([
    readKernel(start, ownLength),
    ...fragments.map((one) => readKernel(addressOfFragment(one, shift), one.length)),
  ]);
}

/** Where a fragment lies, if memory of pages lies there. */
export function addressOfFragment({ page, offset }: Fragment, shift: PageShift): bigint {
  return BigInt.asUintN(64, page * PAGES_PER_PAGE + shift + BigInt(offset));
}
