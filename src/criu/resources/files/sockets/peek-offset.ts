// SPDX-License-Identifier: Apache-2.0
import { SO, SOL } from '../../../../native/abi/index.js';
import { call, SYS } from '../../../../native/sys.js';
import type { GuardOption } from '../dump-context.js';
import { getOption } from './socket-options.js';

/** SO_PEEK_OFF of a socket; negative where every look at its queue begins anew. */
export function peekOffset(socket: number): number {
  return getOption(socket, SOL.socket, SO.peekOff) ?? -1;
}

/**
 * Looks at a queue from its beginning, each look where the last one has ended (SO_PEEK_OFF). The socket is the
 * container's own: a kill before the end of this must not leave it another offset.
 */
export function lookFromStart<T>(socket: number, guardOption: GuardOption, look: () => T): T {
  const offset = peekOffset(socket);
  const guard = guardOption(socket, { level: SOL.socket, option: SO.peekOff, value: offset });
  try {
    setPeekOffset(socket, 0);
    return look();
  } finally {
    setPeekOffset(socket, offset);
    guard.disarm();
  }
}

function setPeekOffset(socket: number, offset: number): void {
  const value = Buffer.alloc(4);
  value.writeInt32LE(offset);
  call('set SO_PEEK_OFF', SYS.setsockopt, socket, SOL.socket, SO.peekOff, value, 4);
}
