// SPDX-License-Identifier: Apache-2.0
import { ShimError } from './errors.js';

/**
 * Begins some work on each element at once, and waits until none is under way. Results come in
 * the order of the elements, and so does the error that is thrown where there are several.
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
