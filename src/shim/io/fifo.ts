// SPDX-License-Identifier: Apache-2.0
import { closeSync, constants, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ShimError } from '../../common/errors.js';

/**
 * FIFOs are opened so that neither of their ends is ever missing: a client that vanishes causes neither an end of
 * input nor EPIPE (fifo(7): O_RDWR). Output waits once for its reader: otherwise the output of a short process
 * would be gone with our descriptors if the client came later.
 */

/** How long a client may take to open its end. */
const READER_MS = 30_000;
const POLL_MS = 2;

const { O_APPEND, O_CREAT, O_NOCTTY, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } = constants;

/** An opened stream. */
export interface OpenStream {
  readonly fd: number;
  readonly isFifo: boolean;
}

/**
 * Opens the destination of output: a FIFO with both ends, once it has a reader, or a plain file to append to.
 *
 * @throws ShimError `deadlineExceeded` if no reader comes in time, the reason of `signal` if that comes first
 */
export async function openOutput(path: string, signal: AbortSignal): Promise<OpenStream> {
  if (!attempt(path, () => statSync(path).isFIFO())) {
    return attempt(path, () => ({
      fd: openSync(path, O_WRONLY | O_APPEND | O_NOCTTY),
      isFifo: false,
    }));
  }
  const end = performance.now() + READER_MS;
  for (;;) {
    const fd = attempt(path, () => openBothEnds(path));
    if (fd !== undefined) return { fd, isFifo: true };
    if (signal.aborted) throw ShimError.from(signal.reason);
    if (performance.now() > end) {
      throw new ShimError('deadlineExceeded', `open stream ${path}: it has no reader`);
    }
    await delay(POLL_MS);
  }
}

/** Both ends of a FIFO, if a reader has it open, or waits for a writer in open(2). */
function openBothEnds(path: string): number | undefined {
  let writer: number;
  try {
    writer = openSync(path, O_WRONLY | O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENXIO') return undefined;
    throw error;
  }
  try {
    return openSync(path, O_RDWR | O_NONBLOCK);
  } finally {
    closeSync(writer); // Not earlier: the reader would see an end of something that has not begun.
  }
}

/** Opens a log file to append to; creates it and its directories. */
export function openLogFile(path: string): OpenStream {
  return attempt(path, () => {
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    return { fd: openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY, 0o644), isFifo: false };
  });
}

/** Opens the reading end of an input. */
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

  /** Takes hold of a FIFO that already has a reader. */
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
