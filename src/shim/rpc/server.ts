// SPDX-License-Identifier: Apache-2.0
import type { Socket } from 'node:net';
import { ShimError } from '../../common/errors.js';
import { logger } from '../../common/log.js';
import { decode, encode } from '../proto/codec.js';
import { Request, Response } from '../proto/messages/ttrpc.js';
import { Connection } from './connection.js';
import { FRAME_TYPE, MAX_PAYLOAD_BYTES, type Frame } from './frame.js';
import type { MethodTable } from './methods.js';
import { statusOf } from './status.js';

const log = logger('rpc');
const NANOS_PER_MS = 1_000_000;
/** Longest delay of a Node timer. */
const MAX_TIMER_MS = 0x7fffffff;

/** The calls of a connection that have not been answered yet. */
type Calls = Set<AbortController>;

/**
 * A ttrpc server: unary calls, any number at once, answered in the order in which they finish. A bad message is
 * answered on its own stream; unknown frame types are ignored.
 */
export class TtrpcServer {
  readonly #methods: MethodTable;
  readonly #connections = new Set<Connection>();

  constructor(methods: MethodTable) {
    this.#methods = methods;
  }

  /** Serves a new connection until the peer closes it. Takes the socket. */
  accept(socket: Socket): void {
    const calls = new Set<AbortController>();
    const connection: Connection = new Connection(socket, {
      frame: (frame) => {
        void this.#serve(connection, frame, calls);
      },
      closed: () => {
        this.#connections.delete(connection);
        const reason = new ShimError('canceled', 'the client closed the connection');
        for (const call of calls) call.abort(reason);
      },
    });
    this.#connections.add(connection);
  }

  /** Closes all connections once everything that is queued on them has been sent. */
  close(): void {
    for (const connection of this.#connections) connection.end();
  }

  async #serve(connection: Connection, frame: Frame, calls: Calls): Promise<void> {
    if (frame.type !== FRAME_TYPE.request) {
      log.debug('frame ignored', { type: frame.type, stream: frame.streamId });
      return;
    }
    let answer: Uint8Array;
    try {
      const payload = await this.#call(frame, calls);
      answer = encode(Response, { payload });
      if (answer.length > MAX_PAYLOAD_BYTES) throw oversize(answer.length);
    } catch (error) {
      const status = statusOf(error);
      log.debug('call failed', { code: status.code, error: status.message });
      answer = encode(Response, { status });
    }
    connection.send(frame.streamId, FRAME_TYPE.response, answer);
  }

  async #call(frame: Frame, calls: Calls): Promise<Uint8Array> {
    if (frame.oversizeBytes !== undefined) throw oversize(frame.oversizeBytes);
    if (frame.streamId % 2 === 0) {
      throw new ShimError('invalidArgument', `stream id ${frame.streamId} is not odd`);
    }
    const request = decode(Request, frame.payload);
    const name = `${request.service}/${request.method}`;
    const method = this.#methods.get(name);
    if (method === undefined) {
      throw new ShimError('unimplemented', `method ${name} is not implemented`);
    }
    // Only for this call: a signal derived by AbortSignal.any would stay registered with the connection's signal as
    // long as the connection lives.
    const call = new AbortController();
    const timer = limit(call, Number(request.timeoutNano));
    calls.add(call);
    try {
      return await method(request.payload, { signal: call.signal });
    } finally {
      clearTimeout(timer);
      calls.delete(call);
    }
  }
}

/** Aborts a call at its time limit, if it has one. */
function limit(call: AbortController, timeoutNano: number): NodeJS.Timeout | undefined {
  if (timeoutNano <= 0) return undefined;
  const ms = Math.min(timeoutNano / NANOS_PER_MS, MAX_TIMER_MS);
  return setTimeout(() => {
    call.abort(new ShimError('deadlineExceeded', 'the time limit of the call has passed'));
  }, ms);
}

function oversize(bytes: number): ShimError {
  return new ShimError(
    'resourceExhausted',
    `message of ${bytes} bytes exceeds the limit of ${MAX_PAYLOAD_BYTES}`,
  );
}
