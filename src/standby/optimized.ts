// SPDX-License-Identifier: Apache-2.0
import { setFlagsFromString } from 'node:v8';

/**
 * Bytes of bytecode that a function runs before V8 optimizes it: a seventh of the default. With that, what runs for each socket
 * of hundreds was not optimized, and took half as long again.
 */
const BUDGET = 10_000;

/**
 * Does a rehearsal with V8 optimizing what runs often. Forks keep the optimized code, and make none themselves: their only thread
 * would do it, in the middle of what they are for.
 */
export async function optimizing<T>(rehearse: () => Promise<T>): Promise<T> {
  setFlagsFromString('--opt');
  setFlagsFromString(`--interrupt-budget=${String(BUDGET)}`);
  try {
    return await rehearse();
  } finally {
    setFlagsFromString('--no-opt');
  }
}
