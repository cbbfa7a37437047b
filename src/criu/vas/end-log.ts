// SPDX-License-Identifier: Apache-2.0
import { appendFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { VasId } from '../../common/ids.js';
import { logger } from '../../common/log.js';
import { vasRoot } from './directory.js';

const log = logger('vas');
const FILE = 'ended.log';
/** When it is longer, the file is put aside, in place of the one before. */
const MOST_BYTES = 1_048_576;

/** A VAS that has ended, and why. */
export interface EndedVas {
  readonly id: VasId;
  readonly name: string;
  readonly containerId: string;
  readonly bytes: number;
  readonly why: string;
}

/** Adds a line of JSON to the log of VASes that have ended, `ended.log` of their root. Never throws. */
export function logEnd(ended: EndedVas, now: Date): void {
  const path = join(vasRoot(), FILE);
  try {
    if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > MOST_BYTES) {
      renameSync(path, `${path}.1`);
    }
    const line = JSON.stringify({ time: now.toISOString(), ...ended });
    appendFileSync(path, `${line}\n`, { mode: 0o600 });
  } catch (error) {
    log.warn('the end of a VAS is not logged', { vas: ended.id, error: String(error) });
  }
}
