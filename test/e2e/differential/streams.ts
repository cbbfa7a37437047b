// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { closeSync, constants, openSync } from 'node:fs';
import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { ShimError } from '../../../src/common/errors.js';
import { run, until } from '../../helpers/run.js';
import type { ProcessRequest } from './scenario.js';

const { O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
const PATIENCE_MS = 60_000;
const SHOWN_BYTES = 2_000;

/** The client's ends of the FIFOs of one process. */
export class ProcessStreams {
  /** Paths as the request of Create or Exec takes them. */
  readonly paths: { readonly stdin: string; readonly stdout: string; readonly stderr: string };
  readonly #outputs = new Map<string, Output>();
  #input: FileHandle | undefined;

  private constructor(paths: ProcessStreams['paths']) {
    this.paths = paths;
  }

  /** Makes the FIFOs that a process is to have, in a new directory. */
  static async open(directory: string, request: ProcessRequest): Promise<ProcessStreams> {
    await mkdir(directory, { recursive: true });
    const isTerminal = request.terminal ?? false;
    const path = (name: string, wanted: boolean): string => (wanted ? join(directory, name) : '');
    const streams = new ProcessStreams({
      stdin: path('stdin', isTerminal || (request.stdin ?? false)),
      stdout: path('stdout', true),
      stderr: path('stderr', !isTerminal),
    });
    await run('mkfifo', Object.values(streams.paths).filter(Boolean));
    for (const name of ['stdout', 'stderr'] as const) {
      const fifo = streams.paths[name];
      if (fifo !== '') streams.#outputs.set(name, new Output(fifo));
    }
    return streams;
  }

  /** Waits until a text has arrived. @throws ShimError `deadlineExceeded` */
  async read(stream: string, text: string): Promise<void> {
    const output = this.#outputs.get(stream);
    if (!output) throw new ShimError('internal', `the process has no ${stream}`);
    await output.until(text);
  }

  async write(text: string): Promise<void> {
    this.#input ??= await until('a reader of stdin', () =>
      open(this.paths.stdin, O_WRONLY | O_NONBLOCK),
    );
    await this.#input.write(text);
  }

  async hangUp(): Promise<void> {
    await this.#input?.close();
    this.#input = undefined;
  }

  /** All output, once nobody else has the FIFOs open. Closes everything. */
  async finish(): Promise<Record<string, unknown>> {
    await this.hangUp();
    const entries = [...this.#outputs].map(
      async ([name, output]) => [name, summary(await output.finish())] as const,
    );
    return Object.fromEntries(await Promise.all(entries));
  }
}

/** The reading end of an output FIFO. */
class Output {
  readonly #path: string;
  readonly #socket: Socket;
  readonly #holder: number;
  readonly #chunks: Buffer[] = [];
  #wake: () => void = () => undefined;

  constructor(path: string) {
    this.#path = path;
    const fd = openSync(path, O_RDONLY | O_NONBLOCK);
    // A writer of our own, so that the FIFO does not end with the first of several writers.
    this.#holder = openSync(path, O_WRONLY | O_NONBLOCK);
    this.#socket = new Socket({ fd, readable: true, writable: false });
    this.#socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#wake();
    });
  }

  async until(text: string): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        this.#wake = () => {
          if (Buffer.concat(this.#chunks).includes(text)) resolve();
        };
        const wanted = JSON.stringify(text);
        const late = new ShimError('deadlineExceeded', `waited for ${wanted} on ${this.#path}`);
        timer = setTimeout(reject, PATIENCE_MS, late);
        this.#wake();
      });
    } finally {
      clearTimeout(timer);
      this.#wake = () => undefined;
    }
  }

  async finish(): Promise<Buffer> {
    const ended = new Promise((resolve) => this.#socket.once('close', resolve));
    closeSync(this.#holder);
    await ended;
    return Buffer.concat(this.#chunks);
  }
}

function summary(bytes: Buffer): unknown {
  if (bytes.length <= SHOWN_BYTES) return bytes.toString();
  return { bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}
