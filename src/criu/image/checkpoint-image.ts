// SPDX-License-Identifier: Apache-2.0
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
  const { kind, by, key, always, id: own } = part;
  if (by === 'id') return new Map(reader.ids(kind).map((id) => [id, reader.readPart(part, id)]));
  if (always || reader.has(kind, own)) return reader.readPart(part, own);
  if (key !== undefined) return new Map();
  return by === 'list' ? [] : undefined;
}

/**
 * Writes a checkpoint without its inventory. Files without entries are left out. Files of which there may be
 * many are small: they are encoded at once, and written together in the background.
 */
export async function writeAllButInventory(
  writer: ImageWriter,
  image: CheckpointImage,
): Promise<void> {
  const small = image.vas ? [writer.writeVasReference(image.vas)] : [];
  const files = partsOf().flatMap(([key, part]) =>
    Array.from(filesOf(part, image[key]), ([id, content]) => {
      return { part, write: () => writer.writePart(part, id, content) };
    }),
  );
  try {
    for (const { part, write } of files) if (isSmall(part)) small.push(write());
    for (const { part, write } of files) if (!isSmall(part)) await write();
  } finally {
    await Promise.allSettled(small); // Nothing is in progress when this ends.
  }
  await Promise.all(small);
}

/** The files of a part, by id. */
function filesOf(
  part: PartInfo,
  content: ImageParts[PartKey],
): Iterable<readonly [number | undefined, unknown]> {
  if (part.by === 'id') return content as ReadonlyMap<number, unknown>;
  return part.always || isThere(content) ? [[part.id, content]] : [];
}

function isThere(content: unknown): boolean {
  if (content instanceof Map) return content.size > 0;
  return Array.isArray(content) ? content.length > 0 : content !== undefined;
}

function isSmall({ kind }: PartInfo): boolean {
  const { layout } = kindInfo(kind);
  return layout === 'single' || layout === 'entries';
}
