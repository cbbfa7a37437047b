// SPDX-License-Identifier: Apache-2.0
import type { NsPid, VasId } from '../../common/ids.js';
import { ShimError } from '../../common/errors.js';
import { OUR_FORMAT } from '../image/constants.js';
import { readCheckpointImage, type CheckpointImage } from '../image/checkpoint-image.js';
import { ImageReader } from '../image/image-reader.js';
import { readTmpfs } from '../image/tmpfs-files.js';
import { validateImage, type ValidImage } from '../image/validate.js';
import type { VasReference } from '../image/vas-reference.js';
import { IMAGE_RULES } from '../resources/rules.js';
import type { TmpfsMount } from '../resources/tmpfs.js';
import type { KernelArea } from '../memory/memory-plan.js';
import type { PlacedImage } from '../plan/restore-plan.js';
import { findDuplicates } from '../vas/backend.js';
import { broken } from '../vas/filling.js';
import { bootId, readRecord, type VasRecord } from '../vas/store.js';

/** A checkpoint that may be restored. */
export interface OpenedImage extends PlacedImage {
  readonly kernelAreas: readonly KernelArea[];
  readonly tmpfs: readonly TmpfsMount[];
  readonly record: VasRecord;
}

/** An image directory that was written by a checkpoint into a VAS of this host; not yet decoded. */
export interface FoundImage {
  readonly reader: ImageReader;
  readonly record: VasRecord;
}

/**
 * Opens an image directory, and finds its VAS. The directory is hostile until it is found to match
 * the VAS's own record byte for byte, which is checked here. The caller closes its reader.
 */
export function findImage(path: string): FoundImage {
  const reader = ImageReader.open(path);
  try {
    const reference = reader.vasReference();
    if (!reference) {
      const message = `restore from ${path}: its memory is not in a VAS; images that CRIU wrote cannot be restored yet`;
      throw new ShimError('unimplemented', message);
    }
    checkVersion(reader, reference.vasId, path);
    const record = findRecord(reference);
    if (!isWhatWasWritten(reader, record)) {
      const message = `restore from ${path}: it is not what the checkpoint into VAS ${record.id} wrote`;
      throw new ShimError('dataLoss', message);
    }
    return { reader, record };
  } catch (error) {
    reader.close();
    throw error;
  }
}

/** Checks that this version understands the image, and that its parts belong together. */
function checkVersion({ inventory }: ImageReader, vasId: VasId, path: string): void {
  const { mvas_format: format, mvas_vas_id: ownId } = inventory;
  if (format !== OUR_FORMAT) {
    const found = `has format ${String(format)}, not ${String(OUR_FORMAT)}`;
    const message = `restore from ${path}: it ${found}: another version of mvas-shim made it`;
    throw new ShimError('failedPrecondition', `${message}; remedy: take a new checkpoint`);
  }
  if (ownId !== vasId) {
    const message = `restore from ${path}: its inventory and vas.json name different VASes`;
    throw new ShimError('dataLoss', message);
  }
}

/** Reads no more than was written: the directory may contain anything. */
function isWhatWasWritten(reader: ImageReader, { imageSize, imageDigest }: VasRecord): boolean {
  if (!reader.hasSize(imageSize)) return false;
  return reader.digest(imageSize.bytes) === imageDigest;
}

/** Decodes a whole image directory, and checks that all its references resolve. */
export function readImage({ reader, record }: FoundImage, path: string): OpenedImage {
  const image = validate(readCheckpointImage(reader), path);
  const tmpfs = readTmpfs(reader);
  const [base, duplicates] = [BigInt(record.base), duplicatesOf(record)];
  return { image, tmpfs, record, base, kernelAreas: kernelAreasOf(record), duplicates };
}

/** They lie in each fork of a holder where they lie in the holder. */
function kernelAreasOf({ kernelAreas }: VasRecord): KernelArea[] {
  return kernelAreas.map(({ special, start, end }) => {
    return { special, start: BigInt(start), end: BigInt(end) };
  });
}

function duplicatesOf({
  id,
  backend,
  processes,
}: VasRecord): ReadonlyMap<NsPid, number> | undefined {
  if (backend !== 'kernel-exec') return undefined;
  const duplicates = findDuplicates(id);
  for (const { pid } of processes) {
    if (duplicates.has(pid)) continue;
    const what = `restore from VAS ${id}: the kernel no longer has the memory of pid ${String(pid)}`;
    throw new ShimError('failedPrecondition', `${what}; remedy: take a new checkpoint`);
  }
  return duplicates;
}

/** Its messages name processes and files of the image; only we know which image it is. */
function validate(image: CheckpointImage, path: string): ValidImage {
  try {
    return validateImage(image, IMAGE_RULES);
  } catch (cause) {
    const { kind, message } = ShimError.from(cause);
    throw new ShimError(kind, `restore from ${path}: ${message}`, { cause });
  }
}

function findRecord(reference: VasReference): VasRecord {
  const { vasId, createdAt, containerId } = reference;
  const lost = (why: string): never => {
    const what = `VAS ${vasId} (container ${containerId}, checkpointed ${createdAt})`;
    const remedy = 'remedy: take a new checkpoint';
    throw new ShimError('failedPrecondition', `${what} ${why}; ${remedy}`);
  };
  if (reference.bootId !== bootId()) {
    lost('was taken on another host or before the last reboot of this one');
  }
  let record: VasRecord;
  try {
    record = readRecord(vasId);
  } catch {
    return lost('is no longer on this host: it was removed');
  }
  if (record.broken !== undefined) throw broken(vasId, record.broken);
  return record;
}
