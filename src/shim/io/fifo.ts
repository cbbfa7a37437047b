// SPDX-License-Identifier: Apache-2.0
import { closeSync, constants, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { ShimError } from '../../common/errors.js';

/**
 * FIFOs are opened so that neither end of them is ever missing: a client that vanishes causes neither
 * an end of input nor EPIPE, and an open never waits for the client (fifo(7): O_RDWR).
 */

const { O_APPEND, O_CREAT, O_NOCTTY, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } = constants;

/** An opened stream. */
export interface OpenStream {
  readonly fd: number;
  readonly isFifo: boolean;
}

/** Opens where output goes: a FIFO with both ends, or a plain file to append to. */
export function openOutput(path: string): OpenStream {
  return attempt(path, () => {
    const isFifo = statSync(path).isFIFO();
    const flags = isFifo ? O_RDWR | O_NONBLOCK : O_WRONLY | O_APPEND | O_NOCTTY;
    return { fd: openSync(path, flags), isFifo };
  });
}

/** Opens a log file to append to, making it and its directories. */
export function openLogFile(path: string): OpenStream {
  return attempt(path, () => {
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    return { fd: openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY, 0o644), isFifo: false };
  });
}

/** Opens the reading end of where input comes from. */
export function openInput(path: string): OpenStream {
  return attempt(path, () => {
    const isFifo = statSync(path).isFIFO();
    const flags = isFifo ? O_RDONLY | O_NONBLOCK : O_RDONLY | O_NOCTTY;
    return { fd: openSync(path, flags), isFifo };
  });
}

/** A writer that keeps an input FIFO from ending while clients come and go. */
export class StdinHolder {
  #fd: number | undefined;

  /** Takes hold of a FIFO that has a reader already. */
  hold(path: string): void {
    this.#fd = attempt(path, () => openSync(path, O_WRONLY | O_NONBLOCK));
  }

  /** The input ends once the client has closed it, too. May be called repeatedly. */
  release(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

function attempt<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const { code = String(cause) } = cause as NodeJS.ErrnoException;
    throw new ShimError('unknown', `open stream ${path}: ${code}`, { cause });
  }
}
