// SPDX-License-Identifier: Apache-2.0
import { O } from '../../../native/abi/index.js';

/** Whether O_* flags allow to read. */
export function canRead(flags: number): boolean {
  return (flags & O.accessMode) !== O.wronly;
}

/** Whether O_* flags allow to write. */
export function canWrite(flags: number): boolean {
  return (flags & O.accessMode) !== O.rdonly;
}
