// SPDX-License-Identifier: Apache-2.0
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import {
  Server,
  ServerCredentials,
  status,
  type MethodDefinition,
  type sendUnaryData,
  type ServerUnaryCall,
  type ServerWritableStream,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { ShimError } from '../../common/errors.js';
import { logger } from '../../common/log.js';
import type { Method } from './method.js';
import { OpenCalls } from './open-calls.js';

const SERVICE = 'mvas.v1.Mvas';
/** What may wait for a client that does not read. */
const WAITING_BYTES = 1 << 20;
/** How long clients may take to read the last answers. */
const LAST_MS = 1_000;
const STATUS = new Map<number, status>(
  Object.values(status).flatMap((value) => (typeof value === 'string' ? [] : [[value, value]])),
);
const log = logger('serve');

type Stream = ServerWritableStream<Buffer, Buffer>;
type Unary = ServerUnaryCall<Buffer, Buffer>;

/** Serves methods by gRPC. */
export class GrpcService {
  readonly #server = new Server();
  readonly #injector = this.#server.createConnectionInjector(ServerCredentials.createInsecure());
  readonly #calls = new OpenCalls();

  constructor(methods: Readonly<Record<string, Method>>) {
    const definition: Record<string, MethodDefinition<Buffer, Buffer>> = {};
    const handlers: UntypedServiceImplementation = {};
    for (const [name, method] of Object.entries(methods)) {
      definition[name] = definitionOf(name, method);
      handlers[name] = method.isStream
        ? (call: Stream) => {
            void this.#stream(name, method, call);
          }
        : (call: Unary, answer: sendUnaryData<Buffer>) => {
            void this.#unary(name, method, call, answer);
          };
    }
    this.#server.addService(definition, handlers);
  }

  /** Serves a connection until the peer closes it. Takes the socket. */
  accept(socket: Socket): void {
    socket.on('error', (error) => {
      log.debug('connection failed', { error: error.message });
    });
    // After a violation of the protocol, Node's HTTP/2 reads no more and would not see the end of the socket itself.
    this.#injector.injectConnection(Duplex.from({ readable: socket, writable: socket }));
  }

  /** Ends: watches at once, other calls when they are done, or else undone after `graceMs`. */
  async end(graceMs: number): Promise<void> {
    await this.#calls.end(graceMs);
    await new Promise<void>((resolve) => {
      setTimeout(resolve, LAST_MS);
      this.#server.tryShutdown(() => {
        resolve();
      });
    });
    this.#server.forceShutdown();
  }

  async #stream(name: string, method: Method, call: Stream): Promise<void> {
    try {
      await this.#calls.run(name, method, {
        request: call.request,
        deadline: call.getDeadline(),
        onGone: (gone) => call.on('cancelled', gone),
        tell: (bytes) => {
          call.write(Buffer.from(bytes));
          return call.writableLength <= WAITING_BYTES;
        },
      });
      call.end();
    } catch (error) {
      call.emit('error', statusOf(error));
    }
  }

  async #unary(
    name: string,
    method: Method,
    call: Unary,
    answer: sendUnaryData<Buffer>,
  ): Promise<void> {
    let message = Buffer.alloc(0);
    try {
      await this.#calls.run(name, method, {
        request: call.request,
        deadline: call.getDeadline(),
        onGone: (gone) => call.on('cancelled', gone),
        tell: (bytes) => {
          message = Buffer.from(bytes);
          return true;
        },
      });
      answer(null, message);
    } catch (error) {
      answer(statusOf(error));
    }
  }
}

function definitionOf(name: string, { isStream }: Method): MethodDefinition<Buffer, Buffer> {
  const same = (bytes: Buffer): Buffer => bytes;
  return {
    path: `/${SERVICE}/${name}`,
    requestStream: false,
    responseStream: isStream,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
}

/** What a client is told about an error. */
function statusOf(error: unknown): { readonly code: status; readonly details: string } {
  const { code, message } = ShimError.from(error);
  return { code: STATUS.get(code) ?? status.UNKNOWN, details: message };
}
