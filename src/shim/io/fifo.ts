// SPDX-License-Identifier: Apache-2.0
import { constants, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { ShimError } from '../../common/errors.js';

/**
 * FIFOs are opened so that neither end of them is ever missing: a client that vanishes causes neither
 * an end of input nor EPIPE, and an open never waits for the client (fifo(7): O_RDWR).
 */

const { O_APPEND, O_CREAT, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } = constants;

/** An opened stream. */
export interface OpenStream {
  readonly fd: number;
  readonly isFifo: boolean;
}

/** Opens where output goes: a FIFO with both ends, or a plain file to append to. */
export function openOutput(path: string): OpenStream {
  return attempt(() => {
    const isFifo = statSync(path).isFIFO();
    return { fd: openSync(path, isFifo ? O_RDWR | O_NONBLOCK : O_WRONLY | O_APPEND), isFifo };
  });
}

/** Opens a log file to append to, making it and its directories. */
export function openLogFile(path: string): OpenStream {
  return attempt(() => {
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    return { fd: openSync(path, O_WRONLY | O_APPEND | O_CREAT, 0o644), isFifo: false };
  });
}

/** Opens the reading end of where input comes from. */
export function openInput(path: string): OpenStream {
  return attempt(() => {
    const isFifo = statSync(path).isFIFO();
    return { fd: openSync(path, isFifo ? O_RDONLY | O_NONBLOCK : O_RDONLY), isFifo };
  });
}

/** Opens a writer that keeps an input FIFO from ending; there must be a reader already. */
export function openHolder(path: string): number {
  return attempt(() => openSync(path, O_WRONLY | O_NONBLOCK));
}

function attempt<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw new ShimError('unknown', `open stream: ${String(cause)}`, { cause });
  }
}
