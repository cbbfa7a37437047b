// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../common/errors.js';

/** Enough for the work to be done in few turns, and few enough to have in memory, or open, at a time. */
const FILES_AT_ONCE = 64;

/**
 * Runs `work` on several elements at once. If one fails, no further batch begins, and the first error is thrown
 * once nothing is in progress: the caller may then close what the work was using.
 */
export async function inBatches<T>(
  all: Iterable<T>,
  work: (one: T) => Promise<void>,
): Promise<void> {
  const rest = [...all];
  while (rest.length > 0) {
    const results = await Promise.allSettled(rest.splice(0, FILES_AT_ONCE).map(work));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw ShimError.from(failed.reason);
  }
}
