// SPDX-License-Identifier: Apache-2.0
import type { Socket } from 'node:net';
import { logger } from '../../common/log.js';
import { FrameDecoder, encodeFrame, type Frame } from './frame.js';

const log = logger('rpc');

/** What a connection's owner does with what happens on it. */
export interface ConnectionHandlers {
  frame(frame: Frame): void;
  closed(): void;
}

/** One ttrpc connection: frames in, frames out. The socket belongs to it. */
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

  /** Sends one frame; dropped when the connection is gone. */
  send(streamId: number, type: number, payload: Uint8Array): void {
    if (!this.#socket.writable) return;
    // Whoever does not read its answers is not read from: they would pile up here.
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
