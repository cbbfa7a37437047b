// SPDX-License-Identifier: Apache-2.0
import { SO, SOL } from '../../../../native/abi/index.js';
import type { GuardOption } from '../dump-context.js';
import { setNow } from './set-now.js';
import { getOption } from './get-option.js';

const PEEK_OFFSET = [SOL.socket, SO.peekOff] as const;

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
    setNow(socket, PEEK_OFFSET, 0);
    return look();
  } finally {
    setNow(socket, PEEK_OFFSET, offset);
    guard.disarm();
  }
}
