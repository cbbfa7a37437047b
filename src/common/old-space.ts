// SPDX-License-Identifier: Apache-2.0
import { getHeapCodeStatistics } from 'node:v8';

/**
 * Frees what the last full collection of garbage has found to be unused. V8 does so only when it needs the memory, and then writes
 * to all pages of old objects: a fork would copy them. It has to have done so before it counts its code.
 */
export function finishSweeping(): void {
  getHeapCodeStatistics();
}
