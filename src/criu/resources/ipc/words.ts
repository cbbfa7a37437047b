// SPDX-License-Identifier: Apache-2.0
import type { IpcDescEntry } from '../../image/types.js';

/** How messages name a System V object: `System V semaphore set 3 (key 0x1234)`. */
export function describe(
  what: 'shared memory segment' | 'semaphore set' | 'message queue',
  { id, key }: Pick<IpcDescEntry, 'id' | 'key'>,
): string {
  return `System V ${what} ${String(id)} (key 0x${key.toString(16)})`;
}
