// SPDX-License-Identifier: Apache-2.0
export { learnKernel, learnedKernel, type KernelView } from './learn.js';
export { UnreadableKernel } from './memory.js';
export {
  acceptQueueOf,
  unixQueueBehind,
  tcpQueueAt,
  type UnixPiece,
  type WaitingEnd,
} from './waiting.js';
export { isAt, type RegisteredBuffer, type RegisteredBuffers } from './ring-buffers.js';
export { RingKeeper, type RegisteredFiles, type RingContext } from './io-urings.js';
export { tcpKeysOf, type SocketKey } from './tcp-keys.js';
export { terminalQueues, type TerminalQueue, type TerminalQueues } from './terminals.js';
