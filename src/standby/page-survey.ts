// SPDX-License-Identifier: Apache-2.0
import { Socket } from 'node:net';
import { constants, setPriority } from 'node:os';
import { exitNow } from '../native/sys.js';
import { removeIfAbandoned } from './directory.js';
import type { WarmUp } from './warm-up.js';
import { writtenPages, type Ranges } from './written-pages.js';

/**
 * In a fork: does what forks do, with low priority, tells the standby what was written to meanwhile, and ends. The next forks
 * have the same memory at the same addresses, and will write to the same pages.
 */
export async function sendPages(
  line: number,
  steps: readonly WarmUp[],
  directory: string,
): Promise<void> {
  setPriority(constants.priority.PRIORITY_LOW);
  const socket = new Socket({ fd: line, readable: true, writable: true });
  const end = (): never => {
    removeIfAbandoned(directory); // If the standby has ended.
    exitNow(0);
  };
  socket.on('error', () => undefined).once('close', end);
  socket.resume();
  for (const step of steps) await step(directory).catch(() => undefined);
  socket.end(new Uint8Array(writtenPages().buffer));
}

/** In the standby: hears of them; of none, if the fork has failed. */
export function receivePages(line: number, onPages: (pages: Ranges) => void): Socket {
  const chunks: Buffer[] = [];
  const socket = new Socket({ fd: line, readable: true, writable: true });
  socket.on('error', () => undefined).on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.once('close', () => {
    const bytes = Uint8Array.from(Buffer.concat(chunks));
    const whole = bytes.length - (bytes.length % (2 * BigUint64Array.BYTES_PER_ELEMENT));
    onPages(new BigUint64Array(bytes.buffer, 0, whole / BigUint64Array.BYTES_PER_ELEMENT));
  });
  return socket.unref();
}
