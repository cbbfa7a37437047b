// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../src/common/errors.js';

/** Results of each side, in order; null for a side that has failed. */
export type InTurn<T> = Readonly<Record<string, readonly T[] | null>>;

/**
 * Measures sides in turn, so that other load on the machine affects all of them. A side other than the first that fails is
 * left out from then on, and `say` is told why: not all kernels support all that CRIU can do.
 */
export async function inTurn<S, T>(
  sides: ReadonlyMap<string, S>,
  runs: number,
  measure: (name: string, side: S) => Promise<T>,
  say: (message: string) => void,
): Promise<InTurn<T>> {
  const [first] = sides.keys();
  const seen = new Map([...sides.keys()].map((name) => [name, [] as T[]]));
  const attempt = async (name: string, side: S): Promise<T[]> => {
    try {
      return [await measure(name, side)];
    } catch (error) {
      if (name === first) throw error;
      say(`${name} fails: ${ShimError.from(error).message}`);
      return [];
    }
  };
  for (let index = 0; index < runs; index++) {
    for (const [name, side] of sides) {
      const all = seen.get(name);
      if (all?.length === index) all.push(...(await attempt(name, side)));
    }
  }
  return Object.fromEntries([...seen].map(([name, all]) => [name, all.length < runs ? null : all]));
}
