// SPDX-License-Identifier: Apache-2.0
import type { MappedRing } from '../../../../image/entry-kind.js';
import type { PacketRing } from '../../../../image/types.js';

/* Rings of TPACKET_V3: blocks, which the kernel fills in turn and gives to the program (linux/if_packet.h). */

/** `struct tpacket_block_desc`: fields of a block's header. */
export const BLOCK = { size: 48, status: 8, packets: 12, length: 20, sequence: 24 } as const;
/** TP_STATUS_USER: the program has it. */
const STATUS_USER = 1;

/** What the header of a block says. */
export interface BlockHeader {
  readonly isUnread: boolean;
  readonly packets: number;
  /** Bytes of the block that are used; programs can write to it. */
  readonly length: number;
  /** The kernel counts the blocks that it begins to fill; 0: it never did. */
  readonly sequence: bigint;
}

/** Parses the header of a block. */
export function parseHeader(bytes: Buffer): BlockHeader {
  return {
    isUnread: (bytes.readUInt32LE(BLOCK.status) & STATUS_USER) !== 0,
    packets: bytes.readUInt32LE(BLOCK.packets),
    length: bytes.readUInt32LE(BLOCK.length),
    sequence: bytes.readBigUInt64LE(BLOCK.sequence),
  };
}

/** How a ring goes on. */
export interface RingState {
  /** The block that the kernel fills, and a new ring begins with. */
  readonly head: number;
  /** Blocks that the program has, or will have next. */
  readonly unread: readonly number[];
  /** Packets of the block that is being filled. */
  readonly lost: number;
}

/**
 * How a ring goes on, from the headers of its blocks; undefined if it has no block that a new one could begin with. Where all of
 * them wait to be read, the kernel drops what comes; a new ring is about to fill its first block, so the newest one is lost.
 */
export function stateOf(headers: readonly BlockHeader[]): RingState | undefined {
  if (headers.every(({ sequence }) => sequence === 0n)) return { head: 0, unread: [], lost: 0 };
  const head = headers.reduce(
    (best, { sequence }, index) => (sequence > (headers[best]?.sequence ?? 0n) ? index : best),
    0,
  );
  const next = (head + 1) % headers.length;
  const isFull = headers[head]?.isUnread === true;
  // The kernel has closed it, and waits for the next one, which may be free by now.
  const start = isFull && headers[next]?.isUnread === false ? next : head;
  if (isFull && headers.length === 1) return undefined;
  const unread = headers.flatMap(({ isUnread }, index) =>
    isUnread && index !== start ? [index] : [],
  );
  const lost = start === head ? (headers[head]?.packets ?? 0) : 0;
  return { head: start, unread, lost };
}

/** The ring as the mappings of an image see it. */
export function mappedRing(ring: PacketRing): MappedRing {
  const { block_size: size, block_nr: count, mvas_head: head = 0 } = ring;
  return { size: BigInt(size) * BigInt(count), head: BigInt(size) * BigInt(head) };
}
