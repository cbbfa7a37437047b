// SPDX-License-Identifier: Apache-2.0
import { Client, credentials, Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { errorOf, ShimError } from '../common/errors.js';

/** ENOSPC, in the words of Go's library. */
const FULL = 'no space left on device';

/** Limits of a call. */
export interface CallLimits {
  readonly limitMs: number;
  readonly signal: AbortSignal | undefined;
}

/** Makes unary gRPC calls over a unix socket; messages are bytes. Connects at the first call. */
export class Caller {
  /** Sent with each call. */
  readonly metadata: Map<string, string>;
  readonly #socket: string;
  readonly #who: string;
  readonly #client: Client;

  /** `who`: what messages call the peer. */
  constructor(socket: string, who: string, metadata: Readonly<Record<string, string>>) {
    this.#socket = socket;
    this.#who = who;
    this.metadata = new Map(Object.entries(metadata));
    this.#client = new Client(`unix:${socket}`, credentials.createInsecure(), {
      'grpc.enable_retries': 0, // A lost answer must not create a container twice.
    });
  }

  /** Calls `/package.Service/Method`. @throws ShimError */
  call(path: string, request: Uint8Array, { limitMs, signal }: CallLimits): Promise<Uint8Array> {
    const metadata = this.#metadata();
    const same = (bytes: Buffer): Buffer => bytes;
    const options = { deadline: Date.now() + limitMs };
    return new Promise((resolve, reject) => {
      const answered = (error: ServiceError | null, answer?: Buffer): void => {
        signal?.removeEventListener('abort', cancel);
        if (error === null) resolve(answer ?? Buffer.alloc(0));
        else reject(this.#refusal(path, error, signal));
      };
      const bytes = Buffer.from(request);
      const call = this.#client.makeUnaryRequest(
        path,
        same,
        same,
        bytes,
        metadata,
        options,
        answered,
      );
      const cancel = (): void => {
        call.cancel();
      };
      if (signal?.aborted) cancel();
      signal?.addEventListener('abort', cancel);
    });
  }

  /** Calls a method that answers with several messages. @throws ShimError */
  async *stream(
    path: string,
    request: Uint8Array,
    { limitMs, signal }: CallLimits,
  ): AsyncGenerator<Uint8Array> {
    const same = (bytes: Buffer): Buffer => bytes;
    const options = { deadline: Date.now() + limitMs };
    const bytes = Buffer.from(request);
    const call = this.#client.makeServerStreamRequest(
      path,
      same,
      same,
      bytes,
      this.#metadata(),
      options,
    );
    const cancel = (): void => {
      call.cancel();
    };
    signal?.addEventListener('abort', cancel);
    try {
      for await (const message of call) yield message as Buffer;
    } catch (error) {
      throw this.#refusal(path, error as ServiceError, signal);
    } finally {
      signal?.removeEventListener('abort', cancel);
      call.cancel(); // Nobody reads on.
    }
  }

  #metadata(): Metadata {
    const metadata = new Metadata();
    for (const [name, value] of this.metadata) metadata.set(name, value);
    return metadata;
  }

  close(): void {
    this.#client.close();
  }

  #refusal(path: string, error: ServiceError, signal: AbortSignal | undefined): ShimError {
    const { code, details } = error;
    const method = path.slice(path.lastIndexOf('.') + 1);
    if (signal?.aborted && code === status.CANCELLED) return ShimError.from(signal.reason);
    if (code !== status.UNAVAILABLE) {
      const isFull = details.includes(FULL) && !details.includes('remedy: ');
      const kind = isFull ? 'resourceExhausted' : errorOf(code, '').kind;
      const remedy = isFull ? "; remedy: make room on the file system of containerd's root" : '';
      return new ShimError(kind, `${this.#who}: ${details}${remedy}`, { cause: error });
    }
    const [why = details] = /(?<=Last error: (?:Error: )?)[^.]*/.exec(details) ?? [];
    const remedy = 'remedy: is it running? --address and CONTAINERD_ADDRESS name its socket';
    const message = `call ${method}: ${this.#who} does not answer at ${this.#socket}: ${why}; ${remedy}`;
    return new ShimError('unavailable', message, { cause: error });
  }
}
