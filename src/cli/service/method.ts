// SPDX-License-Identifier: Apache-2.0
import { LenientCodec } from '../../common/wire/lenient-codec.js';
import { API_MESSAGES, type ApiMessages } from './messages/index.js';

const CODEC = new LenientCodec<ApiMessages>(API_MESSAGES);

/** A call that is being answered. */
export interface Call<R> {
  /** Aborted when the client has cancelled the call, at its deadline, and when the service has to end. */
  readonly signal: AbortSignal;
  /** Sends a message; nothing once the call is aborted. */
  readonly tell: (message: R) => void;
}

/** A method on the wire. Its work throws ShimErrors. */
export interface Method {
  /** Whether it sends any number of messages, or one. */
  readonly isStream: boolean;
  /** Whether it only ends when the client wants that. */
  readonly isEndless: boolean;
  readonly work: (request: Uint8Array, call: Call<Uint8Array>) => Promise<void>;
}

type Name = keyof ApiMessages;
type Handler<Q extends Name, R extends Name> = (
  request: ApiMessages[Q],
  call: Call<Partial<ApiMessages[R]>>,
) => Promise<void>;

/** A method that sends any number of messages. */
export function stream<Q extends Name, R extends Name>(
  request: Q,
  response: R,
  handle: Handler<Q, R>,
  { isEndless = false }: { readonly isEndless?: boolean } = {},
): Method {
  return {
    ...{ isStream: true, isEndless },
    work: (bytes, { signal, tell }) =>
      handle(CODEC.decode(request, bytes), {
        signal,
        tell: (message) => {
          tell(CODEC.encode(response, message));
        },
      }),
  };
}

/** A method that sends one message. */
export function unary<Q extends Name, R extends Name>(
  request: Q,
  response: R,
  handle: (request: ApiMessages[Q]) => Promise<Partial<ApiMessages[R]>>,
): Method {
  const method = stream(request, response, async (message, { tell }) => {
    tell(await handle(message));
  });
  return { ...method, isStream: false };
}
