// SPDX-License-Identifier: Apache-2.0
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { readConfig } from '../../common/config.js';
import { ShimError } from '../../common/errors.js';
import { ImageReader } from '../image/image-reader.js';
import { isVasId, listIds, vasDirectory } from './directory.js';
import {
  readSnapshot,
  SNAPSHOT_FORMAT,
  writeSnapshot,
  type SnapshotFacts,
  type SnapshotRecord,
} from './snapshot-record.js';
import { assertMayUse, mayUse, type SnapshotUser } from './snapshot-access.js';
import { connectVas } from './store.js';

/** The directory of a snapshot's image, in that of its VAS. */
export const IMAGE = 'image';

/**
 * Makes a snapshot of a checkpoint: its image moves into the directory of its VAS, and goes with it.
 *
 * @throws ShimError `failedPrecondition` if the VAS is not below our root
 */
export function keepSnapshot(imagePath: string, facts: SnapshotFacts): SnapshotRecord {
  const reader = ImageReader.open(imagePath);
  const reference = reader.vasReference();
  reader.close();
  if (!reference) throw new ShimError('internal', `keep ${imagePath}: its memory is not in a VAS`);
  const { vasId: id, createdAt } = reference;
  const directory = vasDirectory(id);
  try {
    renameSync(imagePath, join(directory, IMAGE));
  } catch (cause) {
    const message =
      `keep VAS ${id} as a snapshot: ${directory}: ${(cause as NodeJS.ErrnoException).code ?? ''}; ` +
      'remedy: give mvas the MVAS_ROOT that containerd has in its environment';
    throw new ShimError('failedPrecondition', message, { cause });
  }
  const record: SnapshotRecord = { format: SNAPSHOT_FORMAT, id, createdAt, ...facts };
  writeSnapshot(record);
  return record;
}

/** All snapshots of an owner, by id. */
export function listSnapshots(owner: string): SnapshotRecord[] {
  const all = listIds().map(readSnapshot);
  return all.filter((record) => record !== undefined).filter((record) => record.owner === owner);
}

/**
 * Finds a snapshot by its id or its name. A name is first that of one of the user's own.
 *
 * @throws ShimError `notFound`, `permissionDenied` for one that is not the user's to use, `failedPrecondition` if its
 * memory is lost, `invalidArgument` if others share several of the name
 */
export function findSnapshot(
  wanted: string,
  user: SnapshotUser,
): { readonly record: SnapshotRecord; readonly imagePath: string } {
  const record = isVasId(wanted) ? readSnapshot(wanted) : findByName(wanted, user);
  if (!record) {
    const remedy = `remedy: take one (mvas snapshot); 'mvas ls' shows what there is`;
    throw new ShimError('notFound', `no snapshot '${wanted}' of ${user.owner}; ${remedy}`);
  }
  assertMayUse(record, user, sharedByHost);
  connectVas(record.id).close();
  return { record, imagePath: imageOf(record) };
}

function findByName(wanted: string, user: SnapshotUser): SnapshotRecord | undefined {
  const named = listIds()
    .map(readSnapshot)
    .filter((record) => record?.name === wanted)
    .filter((record) => record !== undefined);
  const own = named.find(({ owner }) => owner === user.owner);
  if (own) return own;
  const [first, ...others] = named.filter((record) => mayUse(record, user, sharedByHost));
  if (others.length === 0) return first;
  const message = `several snapshots '${wanted}' are shared; remedy: name one by its id`;
  throw new ShimError('invalidArgument', message);
}

function sharedByHost(): readonly string[] {
  return readConfig().snapshot.share;
}

/** Where a snapshot's image is. */
export function imageOf({ id }: Pick<SnapshotRecord, 'id'>): string {
  return join(vasDirectory(id), IMAGE);
}
