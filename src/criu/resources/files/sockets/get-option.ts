// SPDX-License-Identifier: Apache-2.0
import { syscall } from '../../../../native/index.js';
import { SYS } from '../../../../native/sys.js';

/** The value of an int option; undefined if the socket has no such option. */
export function getOption(socket: number, level: number, name: number): number | undefined {
  const value = getRaw(socket, level, name, 4);
  if (!value) return undefined;
  return value.length >= 4 ? value.readInt32LE(0) : value[0];
}

/** The value of a socket option as bytes; undefined if there is no such option. */
export function getRaw(
  socket: number,
  level: number,
  name: number,
  size: number,
): Buffer | undefined {
  const value = Buffer.alloc(size);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(size);
  if (syscall(SYS.getsockopt, socket, level, name, value, length) < 0) return undefined;
  return value.subarray(0, Math.min(length.readUInt32LE(0), size));
}
