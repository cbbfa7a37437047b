// SPDX-License-Identifier: Apache-2.0
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { VasId } from '../../common/ids.js';
import { ShimError } from '../../common/errors.js';
import { tryLock, withDirectoryLock } from '../../native/directory-lock.js';
import { ImageReader } from '../image/image-reader.js';
import { vasRoot } from './directory.js';
import type { SnapshotFacts } from './snapshot-record.js';
import { IMAGE, listSnapshots } from './snapshots.js';
import { removeVas } from './store.js';

/** Begins the names of directories of snapshots that are being taken; whoever takes one has locked it. */
const NEW = '.new-';
/** Ends the names of those that are being removed. */
const GONE = '.gone';
const NAME = 'name';

/** What a snapshot will be called, and whose it will be. */
type Claim = Pick<SnapshotFacts, 'name' | 'owner'>;

/** A name, and a place for the image of a checkpoint that is to become a snapshot. */
export interface Reservation {
  readonly imagePath: string;
  /** Gives both up, after the image has been moved away. */
  close(): void;
  /** Gives both up, and the memory of a checkpoint that has ended nevertheless. */
  abandon(): Promise<void>;
}

/**
 * Reserves a name among an owner's snapshots, which may be empty. Removes what killed processes have left of others.
 *
 * @throws ShimError `alreadyExists` if another snapshot has the name, or is about to
 */
export async function reserveSnapshot(claim: Claim): Promise<Reservation> {
  mkdirSync(vasRoot(), { recursive: true, mode: 0o700 });
  await removeLeftovers();
  return await withDirectoryLock(vasRoot(), () => {
    if (claim.name !== '') assertFree(claim);
    const directory = mkdtempSync(join(vasRoot(), NEW));
    writeFileSync(join(directory, NAME), JSON.stringify(claim));
    const lock = tryLock(directory);
    const unlock = (): void => {
      if (lock !== undefined) closeSync(lock);
    };
    const close = (): void => {
      rmSync(directory, { recursive: true, force: true });
      unlock();
    };
    const abandon = (): Promise<void> => removeNew(directory).finally(unlock);
    return Promise.resolve({ imagePath: join(directory, IMAGE), close, abandon });
  });
}

/**
 * Removes what killed processes have left of snapshots that they were taking, with the memory. Returns the ids of VASes
 * that were removed. `isDry`: only looks.
 */
export async function removeLeftovers(isDry = false): Promise<VasId[]> {
  if (!existsSync(vasRoot())) return [];
  const found = await withDirectoryLock(vasRoot(), () => Promise.resolve(lockLeftovers()));
  const removed: VasId[] = [];
  for (const { directory, lock } of found) {
    try {
      const id = vasOf(join(directory, IMAGE));
      if (id !== undefined) removed.push(id);
      if (!isDry) await removeNew(directory);
    } finally {
      closeSync(lock);
    }
  }
  return removed;
}

/** Removes a directory with the memory that belongs to its image. Whoever still writes to it fails from now on. */
async function removeNew(directory: string): Promise<void> {
  const gone = `${directory}${GONE}`;
  if (existsSync(directory)) renameSync(directory, gone);
  const id = vasOf(join(gone, IMAGE));
  if (id !== undefined) await removeVas(id);
  rmSync(gone, { recursive: true, force: true });
}

interface Leftover {
  readonly directory: string;
  readonly lock: number;
}

function directories(): string[] {
  const names = readdirSync(vasRoot()).filter((name) => name.startsWith(NEW));
  return names.map((name) => join(vasRoot(), name));
}

function lockLeftovers(): Leftover[] {
  return directories().flatMap((directory) => {
    const lock = lockIfAny(directory);
    return lock === undefined ? [] : [{ directory, lock }];
  });
}

/** Another process may be removing it: that happens outside of the lock of the root. */
function lockIfAny(directory: string): number | undefined {
  try {
    return tryLock(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The VAS of an image that is complete; only such an image has anything else left than itself. */
function vasOf(imagePath: string): VasId | undefined {
  try {
    const reader = ImageReader.open(imagePath);
    try {
      return reader.vasReference()?.vasId;
    } finally {
      reader.close();
    }
  } catch {
    return undefined;
  }
}

function assertFree({ name, owner }: Claim): void {
  const other = listSnapshots(owner).find((record) => record.name === name);
  if (other) {
    const remedy = `remedy: take another name, or remove it (mvas rm ${name})`;
    throw new ShimError('alreadyExists', `snapshot ${name} exists, with id ${other.id}; ${remedy}`);
  }
  const text = JSON.stringify({ name, owner });
  if (directories().every((directory) => claimIn(directory) !== text)) return;
  const remedy = 'remedy: take another name';
  throw new ShimError('alreadyExists', `snapshot ${name} is being taken; ${remedy}`);
}

function claimIn(directory: string): string {
  try {
    return readFileSync(join(directory, NAME), 'utf8');
  } catch {
    return '';
  }
}
