// SPDX-License-Identifier: Apache-2.0
import { appendFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { VasId } from '../../common/ids.js';
import { vasDirectory } from './directory.js';

/** A byte for each failure since the last success, so that starts at the same time need no lock. */
const FILE = 'failed-starts';
/** One start may fail for a reason of its own. */
const MOST = 3;

/** Notes whether a container could be started from a snapshot. */
export function noteStart(id: VasId, isRestored: boolean): void {
  const path = join(vasDirectory(id), FILE);
  if (isRestored) rmSync(path, { force: true });
  else appendFileSync(path, '.', { mode: 0o600 });
}

/** Whether so many starts from a snapshot have failed in a row that it is not worth another one. */
export function failsAlways(id: VasId): boolean {
  const found = statSync(join(vasDirectory(id), FILE), { throwIfNoEntry: false });
  return (found?.size ?? 0) >= MOST;
}
