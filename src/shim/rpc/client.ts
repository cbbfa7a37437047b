// SPDX-License-Identifier: Apache-2.0
import { connect, type Socket } from 'node:net';
import { errorOf, ShimError } from '../../common/errors.js';
import { decode, encode } from '../proto/codec.js';
import { Request, Response } from '../proto/messages/ttrpc.js';
import { Connection } from './connection.js';
import { FRAME_TYPE, type Frame } from './frame.js';

/** A unary call. */
export interface Call {
  readonly service: string;
  readonly method: string;
  readonly payload: Uint8Array;
  readonly timeoutMs: number;
  readonly metadata?: readonly { readonly key: string; readonly value: string }[];
}

interface Pending {
  resolve(payload: Uint8Array): void;
  reject(error: ShimError): void;
}

/** A ttrpc client over one connection, which it owns. */
export class TtrpcClient {
  readonly #connection: Connection;
  readonly #pending = new Map<number, Pending>();
  #nextStream = 1;
  #closed = false;

  private constructor(socket: Socket) {
    this.#connection = new Connection(socket, {
      frame: (frame) => {
        this.#receive(frame);
      },
      closed: () => {
        this.#lose();
      },
    });
  }

  /** Connects to a unix socket. @throws ShimError `unavailable` */
  static connect(path: string, timeoutMs: number): Promise<TtrpcClient> {
    return new Promise((resolve, reject) => {
      const socket = connect(path);
      const fail = (why: string): void => {
        socket.destroy();
        reject(new ShimError('unavailable', `connect to ${path}: ${why}`));
      };
      const timer = setTimeout(fail, timeoutMs, 'no answer in time');
      socket.once('error', (error) => {
        clearTimeout(timer);
        fail(error.message);
      });
      socket.once('connect', () => {
        clearTimeout(timer);
        socket.removeAllListeners('error');
        resolve(new TtrpcClient(socket));
      });
    });
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Calls a method. @throws ShimError as the peer reported it, `deadlineExceeded` or `unavailable` */
  call(call: Call): Promise<Uint8Array> {
    const { service, method, payload, timeoutMs, metadata } = call;
    const name = `${service}/${method}`;
    if (this.#closed) return Promise.reject(lost(name));
    const streamId = this.#nextStream;
    this.#nextStream += 2;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pending.delete(streamId);
        reject(new ShimError('deadlineExceeded', `call ${name}: no answer in ${timeoutMs} ms`));
      }, timeoutMs);
      this.#pending.set(streamId, {
        resolve: (bytes) => {
          clearTimeout(timer);
          resolve(bytes);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
      const timeoutNano = BigInt(Math.round(timeoutMs * 1_000_000));
      const request = { service, method, payload, timeoutNano, metadata: metadata ?? [] };
      this.#connection.send(streamId, FRAME_TYPE.request, encode(Request, request));
    });
  }

  /** Closes the connection; open calls fail with `unavailable`. */
  close(): void {
    this.#connection.destroy();
    this.#lose();
  }

  #receive(frame: Frame): void {
    const pending = this.#pending.get(frame.streamId);
    if (pending === undefined || frame.type !== FRAME_TYPE.response) return;
    this.#pending.delete(frame.streamId);
    try {
      const response = decode(Response, frame.payload);
      const code = response.status?.code ?? 0;
      if (code === 0) pending.resolve(response.payload);
      else pending.reject(errorOf(code, response.status?.message ?? ''));
    } catch (error) {
      pending.reject(ShimError.from(error));
    }
  }

  #lose(): void {
    this.#closed = true;
    for (const pending of this.#pending.values()) pending.reject(lost('call'));
    this.#pending.clear();
  }
}

function lost(what: string): ShimError {
  return new ShimError('unavailable', `${what}: connection closed`);
}
