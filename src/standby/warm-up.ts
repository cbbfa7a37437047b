// SPDX-License-Identifier: Apache-2.0
import { emptyNewSpace } from '../common/new-space.js';
import { constants, getPriority, setPriority } from 'node:os';
import { optimizing } from './optimized.js';

/** What a standby does in advance; `directory` is the standby's. Nothing is in progress afterwards. */
export type WarmUp = (directory: string) => Promise<unknown>;

/** Warms this process up, with low priority. Never rejects: a fork that needs what has failed finds out why. */
export async function warmUp(warmUps: readonly WarmUp[], directory: string): Promise<void> {
  const priority = getPriority();
  setPriority(constants.priority.PRIORITY_LOW);
  for (const step of warmUps) {
    await optimizing(() => step(directory)).catch(() => undefined);
    emptyNewSpace();
  }
  setPriority(priority);
}
