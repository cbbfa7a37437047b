// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';
import { ShimError } from '../../common/errors.js';

/**
 * Waits for work, but not forever: the work may need something that is served by a container that
 * stands still. The work itself continues.
 *
 * @param what the work, in words
 * @throws ShimError `deadlineExceeded`
 */
export async function inTime<T>(work: Promise<T>, limitMs: number, what: string): Promise<T> {
  const over = new AbortController();
  const limit = delay(limitMs, undefined, { signal: over.signal }).then(() => {
    const words = `${what}: not done after ${String(limitMs / 1000)} s`;
    throw new ShimError('deadlineExceeded', words);
  });
  return Promise.race([work, limit]).finally(() => {
    over.abort();
  });
}
