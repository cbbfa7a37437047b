// SPDX-License-Identifier: Apache-2.0
import { decode, encode, type MessageName, type ShimMessages } from '../proto/codec.js';

/** What a handler knows about a call besides its request. */
export interface CallContext {
  /** Aborted at the call's time limit, and when the client is gone. */
  readonly signal: AbortSignal;
}

/** A method on the wire: request bytes in, response bytes out; throws ShimError. */
export type Method = (payload: Uint8Array, context: CallContext) => Promise<Uint8Array>;

/** Methods by `service/method`, with the fully qualified name of the service. */
export type MethodTable = ReadonlyMap<string, Method>;

/** A method between messages. */
type Handler<Q, R> = (request: Q, context: CallContext) => Promise<R> | R;

/** Adds the codec to a typed handler. */
export function method<Q extends MessageName, R extends MessageName>(
  request: Q,
  response: R,
  handle: Handler<ShimMessages[Q], Partial<ShimMessages[R]>>,
): Method {
  return async (payload, context) =>
    encode(response, await handle(decode(request, payload), context));
}

/** The same handlers under several service names. */
export function serviceTable(
  services: readonly string[],
  methods: Readonly<Record<string, Method>>,
): MethodTable {
  const table = new Map<string, Method>();
  for (const service of services) {
    for (const [name, handler] of Object.entries(methods)) table.set(`${service}/${name}`, handler);
  }
  return table;
}
