// SPDX-License-Identifier: Apache-2.0
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import {
  Server,
  ServerCredentials,
  status,
  type sendUnaryData,
  type ServerUnaryCall,
  type MethodDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { ShimError } from '../../common/errors.js';
import { MAX_PAYLOAD_BYTES } from './frame.js';
import type { Method, MethodTable } from './methods.js';
import { statusOf } from './status.js';

type Call = ServerUnaryCall<Buffer, Buffer>;

const STATUS = new Map<number, status>(
  Object.values(status).flatMap((value) => (typeof value === 'string' ? [] : [[value, value]])),
);

/** A gRPC server of the same methods as the ttrpc server. The first gRPC client loads it. */
export class GrpcServer {
  readonly #server = new Server({
    'grpc.max_receive_message_length': MAX_PAYLOAD_BYTES,
    'grpc.max_send_message_length': MAX_PAYLOAD_BYTES,
  });
  readonly #injector = this.#server.createConnectionInjector(ServerCredentials.createInsecure());

  constructor(methods: MethodTable) {
    const definition: Record<string, MethodDefinition<Buffer, Buffer>> = {};
    const handlers: UntypedServiceImplementation = {};
    for (const [name, method] of methods) {
      definition[name] = {
        path: `/${name}`,
        requestStream: false,
        responseStream: false,
        requestSerialize: bytes,
        requestDeserialize: bytes,
        responseSerialize: bytes,
        responseDeserialize: bytes,
      };
      handlers[name] = (call: Call, answer: sendUnaryData<Buffer>) => {
        void serve(method, call, answer);
      };
    }
    this.#server.addService(definition, handlers);
  }

  /**
   * Serves a new connection until the peer closes it. Takes the socket. After a violation of the protocol, Node's
   * HTTP/2 no longer reads from the socket, and would never see it closed; a stream in front of it does.
   */
  accept(socket: Socket): void {
    this.#injector.injectConnection(Duplex.from({ readable: socket, writable: socket }));
  }
}

function bytes(value: Buffer): Buffer {
  return value;
}

/** Runs a method for a call; aborts it at the call's time limit, and when the client is gone. */
async function serve(method: Method, call: Call, answer: sendUnaryData<Buffer>): Promise<void> {
  const gone = new AbortController();
  call.on('cancelled', () => {
    gone.abort(
      new ShimError('canceled', 'the client canceled the call, or its deadline has passed'),
    );
  });
  try {
    answer(null, Buffer.from(await method(call.request, { signal: gone.signal })));
  } catch (error) {
    const { code, message } = statusOf(error);
    answer({ code: STATUS.get(code) ?? status.UNKNOWN, details: message });
  }
}
