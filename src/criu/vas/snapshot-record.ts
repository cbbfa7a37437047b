// SPDX-License-Identifier: Apache-2.0
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { VasId } from '../../common/ids.js';
import { withFileLock } from '../../native/directory-lock.js';
import { vasDirectory } from './directory.js';

/** Version of {@link SnapshotRecord}. */
export const SNAPSHOT_FORMAT = 2;
/** The one before: without a group, and not shared. */
const WITHOUT_GROUP = 1;
const RECORD = 'snapshot.json';

/** What the caller says about a snapshot; the engine keeps it, and compares only names and owners. */
export interface SnapshotFacts {
  /** Empty, or unique among the snapshots of its owner. */
  readonly name: string;
  /** Whose it is: only the same owner, of the same group, restores from it, unless it is shared. */
  readonly owner: string;
  /** A part of what is the owner's; empty if there are no parts. */
  readonly group: string;
  /** Who may restore from it as well: `OWNER`, `OWNER/GROUP`, or `*` for everybody. */
  readonly shared: readonly string[];
  readonly containerId: string;
  /** The command that the container ran. */
  readonly args: readonly string[];
  /**
   * Directories whose overlay is the root filesystem at that moment, the uppermost first; absent if it is none, or was left
   * out. The engine only keeps it.
   */
  readonly layers?: readonly string[];
  /**
   * The image below its root filesystem: its name, and a digest of its layers. Absent if it has none, and in records from before
   * this was kept.
   */
  readonly image?: { readonly name: string; readonly chainId: string };
  /** What its owner makes clones from; the engine only keeps it. */
  readonly template: string;
}

/** A VAS whose image is kept with it, so that it can be restored by its id or name. */
export interface SnapshotRecord extends SnapshotFacts {
  readonly format: typeof SNAPSHOT_FORMAT;
  readonly id: VasId;
  /** ISO 8601. */
  readonly createdAt: string;
}

/**
 * Does something while nobody else does so for the same snapshot.
 *
 * @throws ShimError `unavailable` if others take too long
 */
export async function whileAlone<T>(id: VasId, work: () => Promise<T>): Promise<T> {
  return await withFileLock(join(vasDirectory(id), RECORD), work);
}

/** The snapshot that a VAS is; undefined if it is none. */
export function readSnapshot(id: VasId): SnapshotRecord | undefined {
  try {
    const text = readFileSync(join(vasDirectory(id), RECORD), 'utf8');
    const record = JSON.parse(text) as Omit<SnapshotRecord, 'format'> & { format: unknown };
    if (record.id !== id) return undefined;
    if (record.format === SNAPSHOT_FORMAT) return { ...record, format: SNAPSHOT_FORMAT };
    if (record.format !== WITHOUT_GROUP) return undefined;
    return { ...record, format: SNAPSHOT_FORMAT, group: '', shared: [] };
  } catch {
    return undefined;
  }
}

/** Writes a snapshot's record, atomically. */
export function writeSnapshot(record: SnapshotRecord): void {
  const path = join(vasDirectory(record.id), RECORD);
  writeFileSync(`${path}.tmp`, JSON.stringify(record, null, 1), { mode: 0o600 });
  renameSync(`${path}.tmp`, path);
}
