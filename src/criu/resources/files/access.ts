// SPDX-License-Identifier: Apache-2.0
import { O } from '../../../native/abi/index.js';

/** Whether O_* flags permit reading. */
export function canRead(flags: number): boolean {
  return (flags & O.accessMode) !== O.wronly;
}

/** Whether O_* flags permit writing. */
export function canWrite(flags: number): boolean {
  return (flags & O.accessMode) !== O.rdonly;
}
