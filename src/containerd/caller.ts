// SPDX-License-Identifier: Apache-2.0
import { Client, credentials, Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { errorOf, ShimError } from '../common/errors.js';

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
    const metadata = new Metadata();
    for (const [name, value] of this.metadata) metadata.set(name, value);
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

  close(): void {
    this.#client.close();
  }

  #refusal(path: string, error: ServiceError, signal: AbortSignal | undefined): ShimError {
    const { code, details } = error;
    const method = path.slice(path.lastIndexOf('.') + 1);
    if (signal?.aborted && code === status.CANCELLED) return ShimError.from(signal.reason);
    if (code !== status.UNAVAILABLE) {
      return new ShimError(errorOf(code, '').kind, `${this.#who}: ${details}`, { cause: error });
    }
    const [why = details] = /(?<=Last error: (?:Error: )?)[^.]*/.exec(details) ?? [];
    const remedy = 'remedy: is it running? --address and CONTAINERD_ADDRESS name its socket';
    const message = `call ${method}: ${this.#who} does not answer at ${this.#socket}: ${why}; ${remedy}`;
    return new ShimError('unavailable', message, { cause: error });
  }
}
