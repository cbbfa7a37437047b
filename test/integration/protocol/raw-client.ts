// SPDX-License-Identifier: Apache-2.0
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { ShimError } from '../../../src/common/errors.js';
import { decode, encode } from '../../../src/shim/proto/codec.js';
import { Request, Response } from '../../../src/shim/proto/messages/ttrpc.js';

/** The largest payload of a frame. */
export const LIMIT = 4 * 1024 * 1024;
const HEADER = 10;
const PATIENCE_MS = 60_000;

/** What a daemon answered on a stream. */
export interface Answer {
  readonly stream: number;
  /** 0 for success (google.rpc.Code). */
  readonly code: number;
  readonly message: string;
  readonly payload: Uint8Array;
}

/** A frame with any header; `length` is announced, even if it is wrong. */
export function frame(
  stream: number,
  payload: Uint8Array,
  { type = 1, flags = 0, length = payload.length } = {},
): Buffer {
  const header = Buffer.alloc(HEADER);
  header.writeUInt32BE(length, 0);
  header.writeUInt32BE(stream, 4);
  header[8] = type;
  header[9] = flags;
  return Buffer.concat([header, payload]);
}

/** A request frame. */
export function request(
  stream: number,
  method: string,
  payload: Uint8Array,
  { service = 'containerd.task.v2.Task', timeoutNano = 0n } = {},
): Buffer {
  return frame(stream, encode(Request, { service, method, payload, timeoutNano }));
}

/** A connection on which any bytes can be sent. Has its own code for frames, not the code under test. */
export class RawClient {
  readonly socket: Socket;
  readonly answers: Answer[] = [];
  #rest: Buffer = Buffer.alloc(0);
  #wake: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#take(chunk);
    });
    socket.on('error', () => undefined); // a daemon may cut a connection; then no answer comes
  }

  /** Connects; the caller closes. */
  static async open(path: string): Promise<RawClient> {
    const socket = connect({ path, allowHalfOpen: true });
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  send(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  /** Waits until that many answers have arrived; returns all of them. @throws ShimError `deadlineExceeded` */
  async until(count: number): Promise<readonly Answer[]> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve, reject) => {
      timer = setTimeout(() => {
        const seen = String(this.answers.length);
        reject(new ShimError('deadlineExceeded', `${seen} of ${String(count)} answers came`));
      }, PATIENCE_MS);
      this.#wake = () => {
        if (this.answers.length >= count) resolve();
      };
      this.#wake();
    }).finally(() => {
      clearTimeout(timer);
    });
    return this.answers;
  }

  /** Sends a frame and waits for the next answer. */
  async ask(bytes: Uint8Array): Promise<Answer | undefined> {
    const count = this.answers.length + 1;
    this.send(bytes);
    return (await this.until(count))[count - 1];
  }

  close(): void {
    this.socket.destroy();
  }

  #take(chunk: Buffer): void {
    let bytes = Buffer.concat([this.#rest, chunk]);
    while (bytes.length >= HEADER && bytes.length >= HEADER + bytes.readUInt32BE(0)) {
      const end = HEADER + bytes.readUInt32BE(0);
      const { status, payload } = decode(Response, bytes.subarray(HEADER, end));
      const stream = bytes.readUInt32BE(4);
      const { code = 0, message = '' } = status ?? {};
      this.answers.push({ stream, code, message, payload });
      bytes = bytes.subarray(end);
    }
    this.#rest = bytes;
    this.#wake();
  }
}
