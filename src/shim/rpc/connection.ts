// SPDX-License-Identifier: Apache-2.0
import type { Socket } from 'node:net';
import { logger } from '../../common/log.js';
import { FrameDecoder, encodeFrame, type Frame } from './frame.js';

const log = logger('rpc');

/** How a connection's owner handles events. */
export interface ConnectionHandlers {
  frame(frame: Frame): void;
  closed(): void;
}

/** One ttrpc connection: frames in, frames out. Owns the socket. */
export class Connection {
  readonly #socket: Socket;
  readonly #decoder = new FrameDecoder();

  constructor(socket: Socket, handlers: ConnectionHandlers) {
    this.#socket = socket;
    socket.on('data', (chunk: Uint8Array) => {
      for (const frame of this.#decoder.push(chunk)) handlers.frame(frame);
    });
    socket.on('drain', () => socket.resume());
    socket.on('error', (error) => {
      log.debug('connection failed', { error: error.message });
    });
    socket.on('close', () => {
      handlers.closed();
    });
  }

  /** Sends one frame; drops it if the connection is gone. */
  send(streamId: number, type: number, payload: Uint8Array): void {
    if (!this.#socket.writable) return;
    // If a peer does not read its answers, we do not read from it: they would pile up here.
    if (!this.#socket.write(encodeFrame(streamId, type, payload))) this.#socket.pause();
  }

  /** Sends what is queued, then closes. */
  end(): void {
    this.#socket.end();
  }

  /** Closes at once. */
  destroy(): void {
    this.#socket.destroy();
  }
}
