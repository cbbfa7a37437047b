// SPDX-License-Identifier: Apache-2.0
import { call, SYS } from '../../../../native/sys.js';

/** Sets an option of a socket of this process, an int. Throws ShimError on failure. */
export function setNow(
  socket: number,
  [level, name]: readonly [level: number, name: number],
  value: number,
): void {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  call('set an option of a socket', SYS.setsockopt, socket, level, name, bytes, 4);
}
