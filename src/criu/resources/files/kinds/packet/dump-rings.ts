// SPDX-License-Identifier: Apache-2.0
import { logger } from '../../../../../common/log.js';
import type { MvasPacketBlock, PacketRing } from '../../../../image/types.js';
import type { DumpContext } from '../../dump-context.js';
import type { FileMapping } from '../../kind.js';
import type { OpenFile } from '../../open-file.js';
import { BLOCK, parseHeader, stateOf, type BlockHeader } from './ring-blocks.js';

const log = logger('files');

/** Packets go on arriving while a ring is looked at. */
const MOST_LOOKS = 10;

interface Ring {
  readonly file: OpenFile;
  readonly entry: PacketRing;
  readonly mappings: FileMapping[];
}

/** Reads rings of packet sockets from the memory of those who have mapped them. */
export class PacketRings {
  readonly #context: DumpContext;
  readonly #rings = new Map<number, Ring>();

  constructor(context: DumpContext) {
    this.#context = context;
  }

  /** A ring, which {@link finish} completes. */
  add(file: OpenFile, entry: PacketRing): void {
    this.#rings.set(file.id, { file, entry, mappings: [] });
  }

  /** A mapping of a socket; whether that has a ring. */
  map({ id }: OpenFile, mapping: FileMapping): boolean {
    const ring = this.#rings.get(id);
    ring?.mappings.push(mapping);
    return ring !== undefined;
  }

  /** What nobody has mapped, nobody can have read. */
  finish(): void {
    for (const ring of this.#rings.values()) {
      const problem = ring.mappings.length > 0 ? this.#read(ring) : undefined;
      if (problem !== undefined) this.#context.refusals.add(ring.file.where, problem);
    }
  }

  #read(ring: Ring): string | undefined {
    const { entry, file } = ring;
    const { block_nr: count } = entry;
    const blocks = Array.from({ length: count }, (_, index) => addressOf(ring, index));
    if (blocks.some((address) => address === undefined))
      return 'a packet ring of which a part is mapped cannot be restored; remedy: unmap it';
    const headers = stillHeaders(() =>
      blocks.map((_, index) => parseHeader(readBlock(ring, index, BLOCK.size))),
    );
    const state = headers && stateOf(headers);
    if (!headers || !state) return 'a packet ring does not come to rest; remedy: try again later';
    if (state.lost > 0) {
      const fields = { where: file.where, packets: state.lost };
      this.#context.warnings.push({ log, message: 'unread packets are not kept', fields });
    }
    if (state.head !== 0) entry.mvas_head = state.head;
    for (const index of state.unread) {
      const content = contentOf(ring, index, headers[index]);
      if (!this.#context.takeContent(content.length))
        return 'too many unread packets in a ring; remedy: try again once they are read';
      entry.mvas_blocks.push({ index, content } satisfies MvasPacketBlock);
    }
    return undefined;
  }
}

/** Reads headers until two looks agree; undefined if none do. */
function stillHeaders(look: () => BlockHeader[]): BlockHeader[] | undefined {
  let last = look();
  for (let looks = 0; looks < MOST_LOOKS; looks++) {
    const next = look();
    if (last.every((header, index) => areSame(header, next[index]))) return next;
    last = next;
  }
  return undefined;
}

function areSame(one: BlockHeader, other: BlockHeader | undefined): boolean {
  return one.sequence === other?.sequence && one.isUnread === other.isUnread;
}

/** The bytes of a block that are used. A new ring counts its blocks from 1 again. */
function contentOf(ring: Ring, index: number, header: BlockHeader | undefined): Uint8Array {
  const { block_size: size } = ring.entry;
  const used = header?.length ?? 0;
  const content = readBlock(ring, index, used < BLOCK.size || used > size ? size : used);
  content.writeBigUInt64LE(0n, BLOCK.sequence);
  return content;
}

function readBlock(ring: Ring, index: number, length: number): Buffer {
  const { process, address } = addressOf(ring, index) ?? {};
  if (!process || address === undefined) return Buffer.alloc(length);
  return Buffer.from(process.leader.readMemory(address, length));
}

/** Where a block is mapped as a whole. */
function addressOf(
  { entry, mappings }: Ring,
  index: number,
): { readonly process: FileMapping['process']; readonly address: bigint } | undefined {
  const size = BigInt(entry.block_size);
  const from = BigInt(index) * size;
  const has = ({ start, end, offset }: FileMapping): boolean =>
    offset <= from && from + size <= offset + (end - start);
  const found = mappings.find(has);
  return found && { process: found.process, address: found.start + (from - found.offset) };
}
