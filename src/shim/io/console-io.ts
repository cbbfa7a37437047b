// SPDX-License-Identifier: Apache-2.0
import { closeSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ReadStream } from 'node:tty';
import { ShimError } from '../../common/errors.js';
import { duplicate, receiveFd, setWindowSize } from '../linux.js';
import type { Stdio } from '../runc/runc.js';
import { copy, input, output, type Copy } from './copy.js';
import { openHolder, openInput, openOutput } from './fifo.js';
import { parseStream } from './stdio-uri.js';
import { drainCopies, type StdioRequest, type TaskIo } from './task-io.js';

const HANDOVER_TIMEOUT_MS = 10_000;

/** Streams of a process with a terminal: runc sends its master, which is copied from and to FIFOs. */
export class ConsoleIo implements TaskIo {
  readonly stdio: Stdio = [null, null, null];
  readonly consoleSocket: string;
  readonly #request: StdioRequest;
  readonly #directory: string;
  readonly #server: Server;
  readonly #connected: Promise<Socket>;
  #master: number | undefined;
  #holder: number | undefined;
  #input: Copy | undefined;
  #output: Copy | undefined;

  private constructor(request: StdioRequest, directory: string, server: Server) {
    this.#request = request;
    this.#directory = directory;
    this.#server = server;
    this.consoleSocket = join(directory, 'pty.sock');
    this.#connected = new Promise((resolve) => server.once('connection', resolve));
  }

  /** Waits for runc on a socket in a directory of its own. */
  static open(request: StdioRequest): Promise<ConsoleIo> {
    const directory = mkdtempSync(join(process.env['XDG_RUNTIME_DIR'] ?? tmpdir(), 'pty'));
    const server = createServer({ pauseOnConnect: true });
    const io = new ConsoleIo(request, directory, server);
    return new Promise((resolve, reject) => {
      server.once('error', (cause) => {
        io.close();
        reject(new ShimError('unknown', `listen for a terminal: ${cause.message}`, { cause }));
      });
      server.listen(io.consoleSocket, () => {
        resolve(io);
      });
    });
  }

  async launched(): Promise<void> {
    const connection = await this.#connection();
    try {
      this.#master = receiveFd(fdOf(connection));
    } finally {
      connection.destroy();
      this.#closeServer();
    }
    this.#connectOutput(this.#master);
    this.#connectInput(this.#master);
  }

  closeStdin(): void {
    if (this.#holder !== undefined) closeSync(this.#holder);
    this.#holder = undefined;
  }

  resize(width: number, height: number): void {
    if (this.#master !== undefined) setWindowSize(this.#master, width, height);
  }

  async drain(timeoutMs: number): Promise<void> {
    this.#input?.stop();
    if (this.#output !== undefined) await drainCopies([this.#output], timeoutMs);
  }

  close(): void {
    this.#closeServer();
    this.closeStdin();
    this.#input?.stop();
    this.#output?.stop();
    if (this.#master !== undefined) closeSync(this.#master);
    this.#master = undefined;
  }

  async #connection(): Promise<Socket> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const error = new ShimError('deadlineExceeded', 'runc sent no terminal');
      timer = setTimeout(reject, HANDOVER_TIMEOUT_MS, error);
    });
    try {
      return await Promise.race([this.#connected, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  #connectOutput(master: number): void {
    const target = parseStream(this.#request.stdout);
    if (target.kind === 'none') return;
    if (target.kind !== 'path') {
      throw new ShimError('unimplemented', 'a terminal can only be copied to a FIFO');
    }
    const sink = openOutput(target.path);
    this.#output = copy(new ReadStream(duplicate(master)), output(sink.fd));
  }

  #connectInput(master: number): void {
    const source = parseStream(this.#request.stdin);
    if (source.kind !== 'path') return;
    const { fd, isFifo } = openInput(source.path);
    if (isFifo) this.#holder = openHolder(source.path);
    this.#input = copy(input(fd), new ReadStream(duplicate(master)));
  }

  #closeServer(): void {
    this.#server.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** Node keeps a socket's descriptor in its handle. */
function fdOf(socket: Socket): number {
  const handle = (socket as unknown as { _handle?: { fd?: number } })._handle;
  if (handle?.fd === undefined) throw new ShimError('internal', 'a socket without a descriptor');
  return handle.fd;
}
