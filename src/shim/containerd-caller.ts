// SPDX-License-Identifier: Apache-2.0
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { decode, encode, type MessageName, type ShimMessages } from './proto/codec.js';

const LIMIT_MS = 2_000;
const same = (bytes: Buffer): Buffer => bytes;

/** Asks containerd, by its gRPC socket, about what is in a namespace. Close it after use. */
export class ContainerdCaller {
  readonly #client: Client;
  readonly #metadata = new Metadata();

  constructor(address: string, namespace: string) {
    this.#client = new Client(`unix:${address}`, credentials.createInsecure());
    this.#metadata.set('containerd-namespace', namespace);
  }

  /**
   * Calls a method of an API of containerd's: `containers.v1.Containers/Get`. Rejects with a ServiceError, after 2 s at
   * the latest.
   */
  async call<Q extends MessageName, R extends MessageName>(
    method: string,
    [request, response]: readonly [Q, R],
    value: Partial<ShimMessages[Q]>,
  ): Promise<ShimMessages[R]> {
    const bytes = Buffer.from(encode(request, value));
    return decode(response, await this.#ask(`/containerd.services.${method}`, bytes));
  }

  #ask(path: string, request: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const options = { deadline: Date.now() + LIMIT_MS };
      const answer = (error: ServiceError | null, response?: Buffer): void => {
        if (error === null) resolve(response ?? Buffer.alloc(0));
        else reject(error);
      };
      this.#client.makeUnaryRequest(path, same, same, request, this.#metadata, options, answer);
    });
  }

  close(): void {
    this.#client.close();
  }
}
