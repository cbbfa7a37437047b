// SPDX-License-Identifier: Apache-2.0
import { closeSync } from 'node:fs';
import { duplicate, setWindowSize } from '../linux.js';
import type { Stdio } from '../runc/runc.js';
import { ConsoleSocket } from './console-socket.js';
import { copy, type Copy } from './copy.js';
import { openInput, StdinHolder } from './fifo.js';
import type { Logger } from './logger.js';
import { openLogger, openSink } from './sink.js';
import { parseStream } from './stdio-uri.js';
import {
  COPY_MS,
  FdSet,
  READ_MS,
  within,
  type IoOwner,
  type StdioRequest,
  type TaskIo,
} from './task-io.js';
import { Unread } from './unread.js';

/**
 * Streams of a process with a terminal. runc sends the terminal's master, which is copied to stdout's destination,
 * and from stdin's source. A terminal has no stderr of its own.
 */
export class ConsoleIo implements TaskIo {
  readonly stdio: Stdio = [null, null, null];
  readonly #socket: ConsoleSocket;
  readonly #holder = new StdinHolder();
  readonly #unread = new Unread();
  /** Until they are connected to the terminal. */
  readonly #unconnected = new FdSet();
  #source: number | undefined;
  #sink: number | undefined;
  #logger: Logger | undefined;
  #master: number | undefined;
  #input: Copy | undefined;
  #output: Copy | undefined;

  private constructor(socket: ConsoleSocket) {
    this.#socket = socket;
  }

  /** Opens the streams' ends, and waits for runc. @throws ShimError; then nothing stays open */
  static async open(
    request: StdioRequest,
    owner: IoOwner,
    signal: AbortSignal,
  ): Promise<ConsoleIo> {
    const io = new ConsoleIo(await ConsoleSocket.listen());
    try {
      io.#openSource(request.stdin);
      await io.#openSink(request.stdout, owner, signal);
      return io;
    } catch (error) {
      io.close();
      throw error;
    }
  }

  get consoleSocket(): string {
    return this.#socket.path;
  }

  launching(): void {
    // runc gets none of these streams.
  }

  async launched(): Promise<void> {
    const master = await this.#socket.receive();
    this.#master = master;
    if (this.#sink !== undefined) {
      this.#output = copy(duplicate(master), this.#unconnected.take(this.#sink));
    }
    if (this.#source !== undefined) {
      this.#input = copy(this.#unconnected.take(this.#source), duplicate(master));
    }
  }

  closeStdin(): void {
    this.#holder.release();
  }

  resize(width: number, height: number): void {
    if (this.#master !== undefined) setWindowSize(this.#master, width, height);
  }

  async delivered(): Promise<void> {
    if (this.#output) await within(COPY_MS, [this.#output]);
    await this.#unread.gone(READ_MS);
  }

  async drain(timeoutMs: number): Promise<void> {
    this.#input?.stop();
    await within(
      timeoutMs,
      [this.#output, this.#logger].filter((one) => one !== undefined),
    );
  }

  close(): void {
    this.#socket.close();
    this.#holder.release();
    this.#unread.close();
    this.#unconnected.closeAll();
    this.#input?.stop();
    this.#output?.stop();
    this.#logger?.stop();
    if (this.#master !== undefined) closeSync(this.#master);
    this.#master = undefined;
  }

  #openSource(uri: string): void {
    const source = parseStream(uri);
    if (source.kind !== 'path') return;
    const { fd, isFifo } = openInput(source.path);
    this.#source = this.#unconnected.add(fd);
    if (isFifo) this.#holder.hold(source.path);
  }

  async #openSink(uri: string, owner: IoOwner, signal: AbortSignal): Promise<void> {
    const target = parseStream(uri);
    if (target.kind === 'binary') {
      const { logger, stdout, stderr } = await openLogger(target, owner);
      this.#logger = logger;
      this.#sink = this.#unconnected.add(stdout);
      closeSync(stderr);
      return;
    }
    // Output that leads nowhere has to be read nevertheless, otherwise the container would block.
    const sink = await openSink(
      target.kind === 'none' ? { kind: 'path', path: '/dev/null' } : target,
      signal,
    );
    if (sink) this.#sink = this.#unconnected.add(sink.fd);
    if (sink?.isFifo) this.#unread.watch(sink.fd);
  }
}
