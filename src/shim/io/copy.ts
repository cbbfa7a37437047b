// SPDX-License-Identifier: Apache-2.0
import { Socket } from 'node:net';
import { logger } from '../../common/log.js';

const log = logger('io');

/** A copy between two descriptors, which it owns. */
export interface Copy {
  /** Resolves at the end of the input, when all of it was written, or when either side failed. */
  readonly done: Promise<void>;
  /** Ends the copy now, losing what was not written. */
  stop(): void;
}

/**
 * Copies from one pipe, FIFO or terminal to another until its end, then closes both. Not by
 * `pipe()`/`end()`: libuv would shut the output down, which only sockets can.
 */
export function copy(from: Socket, to: Socket): Copy {
  const done = new Promise<void>((resolve) => {
    let unwritten = 0;
    let ended = false;
    const finish = (): void => {
      from.destroy();
      to.destroy();
      resolve();
    };
    const finishWhenWritten = (): void => {
      if (ended && unwritten === 0) finish();
    };
    from.on('data', (chunk: Uint8Array) => {
      unwritten += 1;
      const hasRoom = to.write(chunk, () => {
        unwritten -= 1;
        finishWhenWritten();
      });
      if (!hasRoom) from.pause();
    });
    to.on('drain', () => from.resume());
    from.on('end', () => {
      ended = true;
      finishWhenWritten();
    });
    // EIO is how a terminal's master reports that all its slaves are closed (pty(7)).
    from.on('error', () => {
      ended = true;
      finishWhenWritten();
    });
    to.on('error', (error) => {
      log.debug('copy ended early', { error: error.message });
      finish();
    });
    from.on('close', finishWhenWritten);
    to.on('close', finish);
  });
  return {
    done,
    stop: () => {
      from.destroy();
      to.destroy();
    },
  };
}

/** A descriptor as the input of a copy, which then owns it. */
export function input(fd: number): Socket {
  return new Socket({ fd, readable: true, writable: false });
}

/** A descriptor as the output of a copy, which then owns it. */
export function output(fd: number): Socket {
  return new Socket({ fd, readable: false, writable: true });
}
