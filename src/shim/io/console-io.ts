// SPDX-License-Identifier: Apache-2.0
import { closeSync } from 'node:fs';
import { duplicate, setWindowSize } from '../linux.js';
import type { Stdio } from '../runc/runc.js';
import { ConsoleSocket } from './console-socket.js';
import { copy, type Copy, type OutputWatch } from './copy.js';
import { openInput, StdinHolder } from './fifo.js';
import type { Logger } from './logger.js';
import { openLogger, openSink } from './sink.js';
import { Spare } from './spare.js';
import { parseStream } from './stdio-uri.js';
import {
  COPY_MS,
  FdSet,
  READ_MS,
  within,
  type IoOwner,
  type SameStreams,
  type StdioRequest,
  type TaskIo,
} from './task-io.js';
import { Unread } from './unread.js';

/** Of the client's, what is read from and what is written to. */
interface Ends<T> {
  source?: T | undefined;
  sink?: T | undefined;
}

/**
 * Streams of a process with a terminal. runc sends the terminal's master, which is copied to stdout's destination,
 * and from stdin's source. A terminal has no stderr of its own.
 */
export class ConsoleIo implements TaskIo {
  readonly stdio: Stdio = [null, null, null];
  #socket: ConsoleSocket;
  readonly #watch: OutputWatch | undefined;
  readonly #holder = new StdinHolder();
  readonly #unread = new Unread();
  /** Until they are connected to the terminal. */
  readonly #unconnected = new FdSet();
  #source: number | undefined;
  #sink: number | undefined;
  #spares: Ends<Spare> = {};
  #size: readonly [number, number] | undefined;
  #logger: Logger | undefined;
  #master: number | undefined;
  #input: Copy | undefined;
  #output: Copy | undefined;

  private constructor(socket: ConsoleSocket, watch: OutputWatch | undefined) {
    this.#socket = socket;
    this.#watch = watch;
  }

  /**
   * Opens the streams' ends, and waits for runc, at a socket that is there already or at a new one. @throws ShimError; then
   * nothing stays open
   */
  static async open(
    request: StdioRequest,
    owner: IoOwner,
    {
      signal,
      socket,
      watch,
    }: {
      readonly signal: AbortSignal;
      readonly socket?: ConsoleSocket | undefined;
      readonly watch?: OutputWatch | undefined;
    },
  ): Promise<ConsoleIo> {
    const io = new ConsoleIo(socket ?? (await ConsoleSocket.listen()), watch);
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

  async startOver(): Promise<void> {
    this.#socket.close();
    this.#socket = await ConsoleSocket.listen();
  }

  launching(): void {
    // runc gets none of these streams.
  }

  async launched(): Promise<void> {
    this.#connect(await this.#socket.receive(), this.#unconnected, {
      source: this.#source,
      sink: this.#sink,
    });
  }

  async again(): Promise<SameStreams> {
    const socket = await ConsoleSocket.listen();
    const opened = new FdSet();
    const close = (): void => {
      socket.close();
      opened.closeAll();
    };
    try {
      const source = this.#spares.source && opened.add(this.#spares.source.open());
      const sink = this.#spares.sink && opened.add(this.#spares.sink.open());
      const taken = async (): Promise<void> => {
        const master = await socket.receive();
        this.#disconnect();
        this.#connect(master, opened, { source, sink });
      };
      return { stdio: this.stdio, consoleSocket: socket.path, taken, close };
    } catch (error) {
      close();
      throw error;
    }
  }

  closeStdin(): void {
    this.#holder.release();
  }

  resize(width: number, height: number): void {
    this.#size = [width, height];
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
    this.#disconnect();
    this.#logger?.stop();
    for (const spare of [this.#spares.source, this.#spares.sink]) spare?.close();
    this.#spares = {};
  }

  /** Copies between a terminal, by its master, and what is taken from the given set. */
  #connect(master: number, from: FdSet, { source, sink }: Ends<number>): void {
    this.#master = master;
    if (sink !== undefined) {
      this.#output = copy(duplicate(master), from.take(sink), this.#watch);
    }
    if (source !== undefined) this.#input = copy(from.take(source), duplicate(master));
    if (this.#size) setWindowSize(master, ...this.#size);
  }

  #disconnect(): void {
    this.#input?.stop();
    this.#output?.stop();
    if (this.#master !== undefined) closeSync(this.#master);
    this.#master = undefined;
  }

  #openSource(uri: string): void {
    const source = parseStream(uri);
    if (source.kind !== 'path') return;
    const { fd, isFifo } = openInput(source.path);
    this.#source = this.#unconnected.add(fd);
    this.#spares.source = Spare.of(fd);
    if (isFifo) this.#holder.hold(source.path);
  }

  async #openSink(uri: string, owner: IoOwner, signal: AbortSignal): Promise<void> {
    const target = parseStream(uri);
    if (target.kind === 'binary') {
      const { logger, stdout, stderr } = await openLogger(target, owner);
      this.#logger = logger;
      this.#sink = this.#unconnected.add(stdout);
      this.#spares.sink = Spare.of(stdout);
      closeSync(stderr);
      return;
    }
    // Output that leads nowhere has to be read nevertheless, otherwise the container would block.
    const sink = await openSink(
      target.kind === 'none' ? { kind: 'path', path: '/dev/null' } : target,
      signal,
    );
    if (sink) {
      this.#sink = this.#unconnected.add(sink.fd);
      this.#spares.sink = Spare.of(sink.fd);
    }
    if (sink?.isFifo) this.#unread.watch(sink.fd);
  }
}
