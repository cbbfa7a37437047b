// SPDX-License-Identifier: Apache-2.0
import { readFileSync, renameSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { VasId } from '../../common/ids.js';
import { vasDirectory } from './directory.js';

const FORMAT = 1;
const RECORD = 'life.json';
/** Its time is that of the VAS's last use. */
const USED = 'vas.json';

/** What else ends a VAS: `directory`, the deletion of its image's vas.json, which the keeper watches; `caller`, see the note. */
export type Lease = 'directory' | 'caller';

/** What ends a VAS, besides those who remove it. */
export interface LifeFacts {
  /** Milliseconds from its last use. */
  readonly ttlMs?: number | undefined;
  readonly lease?: Lease | undefined;
  /** Where its image was written. */
  readonly imagePath: string;
  /** What the caller has to know to judge and to tell of its end; the engine only keeps it. */
  readonly note: string;
}

/** {@link LifeFacts} of a VAS, as its directory has them. */
export interface LifeRecord extends LifeFacts {
  readonly format: typeof FORMAT;
  readonly id: VasId;
}

/** What ends a VAS; undefined if only its removal does. */
export function readLife(id: VasId): LifeRecord | undefined {
  try {
    const text = readFileSync(join(vasDirectory(id), RECORD), 'utf8');
    const record = JSON.parse(text) as Omit<LifeRecord, 'format'> & { readonly format: unknown };
    return record.format === FORMAT && record.id === id ? { ...record, format: FORMAT } : undefined;
  } catch {
    return undefined;
  }
}

/** Writes what ends a VAS, atomically. */
export function writeLife(id: VasId, facts: LifeFacts): void {
  const record: LifeRecord = { ...facts, format: FORMAT, id };
  const path = join(vasDirectory(id), RECORD);
  writeFileSync(`${path}.tmp`, JSON.stringify(record, null, 1), { mode: 0o600 });
  renameSync(`${path}.tmp`, path);
}

/** When a VAS was used last: made, or restored from. */
export function lastUse(id: VasId): Date | undefined {
  return statSync(join(vasDirectory(id), USED), { throwIfNoEntry: false })?.mtime;
}

/** Notes that a VAS is being used. One that has been removed meanwhile is not an error. */
export function noteUse(id: VasId, now = new Date()): void {
  try {
    utimesSync(join(vasDirectory(id), USED), now, now);
  } catch {
    // It has been removed.
  }
}
