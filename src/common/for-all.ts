// SPDX-License-Identifier: Apache-2.0
import { ShimError } from './errors.js';

/**
 * Starts work on all elements at once, and waits until all of it has ended. Results are in the order
 * of the elements; of several errors, the first in that order is thrown.
 */
export async function forAll<T, R>(
  all: readonly T[],
  work: (one: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results = await Promise.allSettled(all.map(work));
  return results.map((result) => {
    if (result.status === 'rejected') throw ShimError.from(result.reason);
    return result.value;
  });
}
