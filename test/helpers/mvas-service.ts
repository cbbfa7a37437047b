// SPDX-License-Identifier: Apache-2.0
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { credentials, loadPackageDefinition, type ServiceError } from '@grpc/grpc-js';
import type { ClientReadableStream } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { PrivateContainerd } from './containerd.js';
import { vasRoot } from './containerd-cleanup.js';
import { BIN, REPOSITORY } from './paths.js';

/** A message as a plain object; fields are named as in the `.proto` file. */
export type Message = Record<string, unknown>;

/** How a call ended: what was sent until then, and the code, 0 for success. */
export interface Ended {
  readonly messages: readonly Message[];
  readonly code: number;
  readonly details: string;
}

const PROTOS = loadSync('mvas/service.proto', {
  ...{ keepCase: true, longs: Number, enums: String, defaults: false },
  includeDirs: [join(REPOSITORY, 'proto')],
});

type Call = (request: object, options: { deadline?: number }) => ClientReadableStream<Message>;
type Unary = (
  request: object,
  done: (error: ServiceError | null, answer?: Message) => void,
) => unknown;
type Client = Readonly<Record<string, Call & Unary>> & { close(): void };
interface Package {
  readonly mvas: {
    readonly v1: { readonly Mvas: new (address: string, credentials: unknown) => Client };
  };
}

/** A client of the service, made of its published description. */
export class ServiceClient {
  readonly #client: Client;

  constructor(path: string) {
    const { mvas } = loadPackageDefinition(PROTOS) as unknown as Package;
    this.#client = new mvas.v1.Mvas(`unix:${path}`, credentials.createInsecure());
  }

  /** Calls a method that answers once. */
  async ask(name: string, request: object): Promise<Message> {
    return await new Promise((resolve, reject) => {
      this.#client[name]?.(request, (error: ServiceError | null, answer?: Message) => {
        if (error) reject(error);
        else resolve(answer ?? {});
      });
    });
  }

  /** Calls a method that answers with a stream; resolves when that has ended. `heard` may cancel the call. */
  async call(
    name: string,
    request: object,
    options: {
      readonly deadlineMs?: number;
      readonly heard?: (message: Message, cancel: () => void) => void;
    } = {},
  ): Promise<Ended> {
    const { deadlineMs, heard } = options;
    const limits = deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs };
    const stream = this.#client[name]?.(request, limits);
    if (!stream) throw new Error(`no method ${name}`);
    const messages: Message[] = [];
    stream.on('data', (message: Message) => {
      messages.push(message);
      heard?.(message, () => {
        stream.cancel();
      });
    });
    return await new Promise((resolve) => {
      stream.on('error', ({ code, details }: ServiceError) => {
        resolve({ messages, code, details });
      });
      stream.on('end', () => {
        resolve({ messages, code: 0, details: '' });
      });
    });
  }

  close(): void {
    this.#client.close();
  }
}

/** A running `mvas serve` for a containerd of ours. */
export class MvasService {
  readonly path: string;
  readonly process: ChildProcess;
  readonly client: ServiceClient;
  readonly #log: () => string;

  private constructor(path: string, child: ChildProcess, log: () => string) {
    this.#log = log;
    this.path = path;
    this.process = child;
    this.client = new ServiceClient(path);
  }

  /** Starts one, and waits until it serves; or tells how it has failed. */
  static async start(containerd: PrivateContainerd): Promise<MvasService> {
    const env = {
      ...process.env,
      DEBUG: 'mvas:serve',
      MVAS_ROOT: vasRoot(containerd),
      CONTAINERD_ADDRESS: containerd.address,
      CONTAINERD_NAMESPACE: containerd.namespace,
    };
    const child = spawn(join(BIN, 'mvas'), ['serve'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    for await (const line of createInterface(child.stdout)) {
      const [, path] = /^serving on (.*)$/.exec(line) ?? [];
      if (path !== undefined) return new MvasService(path, child, () => errors);
    }
    throw new Error(errors);
  }

  /** How the calls of a method have ended that it has been done with so far: whether each has failed. */
  endsOf(name: string): readonly boolean[] {
    const lines = this.#log().match(new RegExp(`(failed|ended) call=${name} .*`, 'g')) ?? [];
    return lines.flatMap((line, index) =>
      line.startsWith('ended') ? [lines[index - 1]?.startsWith('failed') === true] : [],
    );
  }

  /** Sends it a signal; resolves with its exit code. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const { process: child } = this;
    if (child.exitCode === null && child.signalCode === null) {
      child.kill(signal);
      await once(child, 'exit');
    }
    this.client.close();
    return child.exitCode;
  }
}
