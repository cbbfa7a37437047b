// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';
import { openFile, readEntry, startFile, writeEntry, type DecodeLimits } from './codec.js';
import type { GhostChunkEntry, GhostFileEntry } from './types.js';

/** A piece of a deleted file's content. */
export interface GhostChunk {
  /** Byte position in the file. */
  readonly offset: bigint;
  readonly data: Uint8Array;
}

/** A deleted file: attributes and content. Whatever no chunk covers is a hole. */
export interface GhostFile {
  /** The codec sets `chunks` and `size`; callers need not. */
  readonly entry: GhostFileEntry;
  readonly content: readonly GhostChunk[];
}

/**
 * Encodes a ghost-file image, always in chunks, so that holes stay holes.
 *
 * @throws ShimError `internal` if a chunk reaches beyond `entry.size`
 */
export function encodeGhostFile({ entry, content }: GhostFile): Uint8Array {
  const end = content.reduce((most, c) => (endOf(c) > most ? endOf(c) : most), 0n);
  const size = entry.size ?? end;
  if (end > size) throw new ShimError('internal', 'encode ghost-file: content beyond its size');
  const writer = startFile('ghost-file');
  writeEntry(writer, 'ghost_file_entry', { ...entry, chunks: true, size });
  for (const { offset, data } of content) {
    writeEntry(writer, 'ghost_chunk_entry', { off: offset, len: BigInt(data.length) });
    writer.raw(data);
  }
  return writer.finish();
}

/** Decodes a ghost-file image, chunked or whole. Throws ShimError `dataLoss`. */
export function decodeGhostFile(bytes: Uint8Array, limits: DecodeLimits = {}): GhostFile {
  const file = openFile('ghost-file', bytes, limits);
  const entry = readEntry(file, 'ghost_file_entry');
  if (entry.chunks !== true) {
    const data = file.reader.take(bytes.length - file.reader.position);
    if (entry.size !== undefined && BigInt(data.length) > entry.size) {
      file.reader.fail('more content than the size of the deleted file');
    }
    return { entry, content: data.length > 0 ? [{ offset: 0n, data }] : [] };
  }
  const content: GhostChunk[] = [];
  while (!file.reader.done) {
    const chunk: GhostChunkEntry = readEntry(file, 'ghost_chunk_entry');
    if (chunk.len > BigInt(bytes.length)) file.reader.fail('a chunk longer than the file');
    const piece = { offset: chunk.off, data: file.reader.take(Number(chunk.len)) };
    if (entry.size !== undefined && endOf(piece) > entry.size) {
      file.reader.fail('a chunk beyond the size of the deleted file');
    }
    content.push(piece);
  }
  return { entry, content };
}

function endOf(chunk: GhostChunk): bigint {
  return chunk.offset + BigInt(chunk.data.length);
}
