// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import {
  Client,
  Metadata,
  credentials,
  type ClientReadableStream,
  type ServiceError,
} from '@grpc/grpc-js';
import {
  loadSync,
  type MessageTypeDefinition,
  type MethodDefinition,
  type PackageDefinition,
} from '@grpc/proto-loader';
import { errorOf, ShimError } from '../../src/common/errors.js';
import type { PrivateContainerd } from './containerd.js';
import { REPOSITORY } from './paths.js';

/** A message as a plain object; fields are named as in the `.proto` file. */
export type Message = Record<string, unknown>;

const PACKAGE = 'containerd.services.tasks.v1';
const DEADLINE_MS = 120_000;
const DEFINITIONS = loadSync(join(REPOSITORY, 'test/helpers/containerd-api.proto'), {
  keepCase: true,
  longs: String,
  enums: String,
  defaults: true,
});

type MessageDefinition = MessageTypeDefinition<Message, Message>;

/** Encodes one of the messages of containerd-api.proto. */
export function encodeMessage(name: string, message: Message): Buffer {
  return (definition(name) as MessageDefinition).serialize(message);
}

/** Decodes one of the messages of containerd-api.proto. */
export function decodeMessage(name: string, bytes: Uint8Array): Message {
  return (definition(name) as MessageDefinition).deserialize(Buffer.from(bytes));
}

/** containerd's gRPC API in one namespace, as far as containerd-api.proto declares it. */
export class ContainerdApi {
  readonly #client: Client;
  readonly #metadata = new Metadata();

  constructor({ address, namespace }: { readonly address: string; readonly namespace: string }) {
    this.#client = new Client(`unix://${address}`, credentials.createInsecure());
    this.#metadata.set('containerd-namespace', namespace);
  }

  /** With a lease: content that is made by it is not collected before it is used. */
  static async withLease(containerd: PrivateContainerd): Promise<ContainerdApi> {
    const api = new ContainerdApi(containerd);
    const id = containerd.uniqueId('lease');
    await api.call('leases.Leases', 'Create', { id });
    api.#metadata.set('containerd-lease', id);
    return api;
  }

  /**
   * Calls a method; `service` as in `tasks.Tasks`.
   *
   * @throws ShimError of the class that containerd's code stands for
   */
  call(service: string, method: string, request: Message): Promise<Message> {
    const { path, serialize, deserialize } = describe(service, method);
    return new Promise((resolve, reject) => {
      const answered = (error: ServiceError | null, answer?: Message): void => {
        if (error === null) resolve(answer ?? {});
        else reject(refusal(`${service}.${method}`, error));
      };
      this.#client.makeUnaryRequest(
        path,
        serialize,
        deserialize,
        request,
        this.#metadata,
        { deadline: Date.now() + DEADLINE_MS },
        answered,
      );
    });
  }

  /** Calls a method that answers with a stream, which the caller cancels. */
  stream(service: string, method: string, request: Message): ClientReadableStream<Message> {
    const { path, serialize, deserialize } = describe(service, method);
    const metadata = this.#metadata;
    return this.#client.makeServerStreamRequest(path, serialize, deserialize, request, metadata);
  }

  close(): void {
    this.#client.close();
  }
}

function describe(
  service: string,
  method: string,
): {
  path: string;
  serialize: (message: Message) => Buffer;
  deserialize: (bytes: Buffer) => Message;
} {
  const [api = '', name = ''] = service.split('.');
  const methods = definition(name) as Record<string, MethodDefinition<Message, Message>>;
  const found = methods[method];
  if (!found) throw new ShimError('internal', `no method ${service}.${method}`);
  return {
    path: `/containerd.services.${api}.v1.${name}/${method}`,
    serialize: found.requestSerialize,
    deserialize: found.responseDeserialize,
  };
}

function definition(name: string): PackageDefinition[string] {
  const found = DEFINITIONS[`${PACKAGE}.${name}`];
  if (!found) throw new ShimError('internal', `nothing is called ${name}`);
  return found;
}

function refusal(what: string, error: ServiceError): ShimError {
  const { kind } = errorOf(error.code, '');
  return new ShimError(kind, `${what}: ${error.details}`, { cause: error });
}
