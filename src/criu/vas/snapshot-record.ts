// SPDX-License-Identifier: Apache-2.0
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { VasId } from '../../common/ids.js';
import { vasDirectory } from './directory.js';

/** Version of {@link SnapshotRecord}. */
export const SNAPSHOT_FORMAT = 1;
const RECORD = 'snapshot.json';

/** What the caller says about a snapshot; the engine keeps it, and compares only names and owners. */
export interface SnapshotFacts {
  /** Empty, or unique among the snapshots of its owner. */
  readonly name: string;
  /** Whose it is: only the same owner restores from it. */
  readonly owner: string;
  readonly containerId: string;
  /** The command that the container ran. */
  readonly args: readonly string[];
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

/** The snapshot that a VAS is; undefined if it is none. */
export function readSnapshot(id: VasId): SnapshotRecord | undefined {
  try {
    const text = readFileSync(join(vasDirectory(id), RECORD), 'utf8');
    const record = JSON.parse(text) as Omit<SnapshotRecord, 'format'> & { format: unknown };
    return record.format === SNAPSHOT_FORMAT && record.id === id
      ? { ...record, format: SNAPSHOT_FORMAT }
      : undefined;
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
