// SPDX-License-Identifier: Apache-2.0
import { inBatches } from './batches.js';
import { kindInfo } from './header.js';
import type { ImageReader } from './image-reader.js';
import type { ImageWriter } from './image-writer.js';
import { emptyParts, partsOf, type ImageParts, type PartInfo, type PartKey } from './parts.js';
import type { InventoryEntry } from './types.js';
import type { VasReference } from './vas-reference.js';

/** A whole checkpoint without its pages: the result of a dump, and the input of a restore. */
export interface CheckpointImage extends ImageParts {
  readonly inventory: InventoryEntry;
  /** Where the memory is; absent in images that CRIU wrote. */
  readonly vas?: VasReference | undefined;
}

/** An empty image, to be spread into one that has content. */
export function emptyCheckpointImage(inventory: InventoryEntry): CheckpointImage {
  return { inventory, ...emptyParts() };
}

/**
 * Reads a checkpoint. The result is well-formed, but not yet validated: see `validateImage`.
 *
 * @throws ShimError `dataLoss` for files that cannot be decoded
 */
export function readCheckpointImage(reader: ImageReader): CheckpointImage {
  const parts = partsOf().map(([key, part]) => [key, readPart(reader, part)] as const);
  return {
    inventory: reader.inventory,
    vas: reader.vasReference(),
    ...(Object.fromEntries(parts) as unknown as ImageParts),
  };
}

function readPart(reader: ImageReader, part: PartInfo): unknown {
  const { kind, by, always, id: own } = part;
  if (by === 'id') return new Map(reader.ids(kind).map((id) => [id, reader.readPart(part, id)]));
  if (always || reader.has(kind, own)) return reader.readPart(part, own);
  return by === 'list' ? [] : undefined;
}

/** Writes a checkpoint without its inventory. Files without entries are left out. */
export async function writeAllButInventory(
  writer: ImageWriter,
  image: CheckpointImage,
): Promise<void> {
  if (image.vas) await writer.writeVasReference(image.vas);
  for (const [key, part] of partsOf()) await writePart(writer, part, image[key]);
}

async function writePart(
  writer: ImageWriter,
  part: PartInfo,
  content: ImageParts[PartKey],
): Promise<void> {
  if (content instanceof Map) await writeFiles(writer, part, content);
  else if (part.always || (Array.isArray(content) ? content.length > 0 : content)) {
    await writer.writePart(part, part.id, content);
  }
}

/** Several at once, since there may be many small ones. */
async function writeFiles(
  writer: ImageWriter,
  part: PartInfo,
  files: ReadonlyMap<number, unknown>,
): Promise<void> {
  const write = ([id, content]: readonly [number, unknown]): Promise<void> =>
    writer.writePart(part, id, content);
  const { layout } = kindInfo(part.kind);
  if (layout === 'single' || layout === 'entries') await inBatches(files, write);
  else for (const file of files) await write(file);
}
