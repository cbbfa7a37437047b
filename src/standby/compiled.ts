// SPDX-License-Identifier: Apache-2.0
import { setFlagsFromString } from 'node:v8';

/**
 * Loads modules with all of their functions compiled, which each fork would otherwise do one by one at their first call.
 * They stay compiled: V8 drops the code of functions that have not run for a while.
 */
export async function compiled<T>(load: () => Promise<T>): Promise<T> {
  setFlagsFromString('--no-flush-bytecode');
  setFlagsFromString('--no-lazy');
  try {
    return await load();
  } finally {
    setFlagsFromString('--lazy');
  }
}
