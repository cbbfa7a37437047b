// SPDX-License-Identifier: Apache-2.0
import { closeSync } from 'node:fs';
import { ShimError } from '../../common/errors.js';
import { pipe } from '../linux.js';
import { copy, type Copy, type OutputWatch } from './copy.js';
import { EarlyOutput } from './early.js';
import { openInput, StdinHolder } from './fifo.js';
import type { Logger } from './logger.js';
import { openLogger, openSink } from './sink.js';
import { Spare } from './spare.js';
import { parseStream, type StreamTarget } from './stdio-uri.js';
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

/**
 * Streams of a process without a terminal: a pipe for each, one end of which goes to the container, copied from or
 * to the client's FIFO. Plain files are given to the container as they are.
 */
export class PipeIo implements TaskIo {
  readonly #theirs = new FdSet();
  readonly #holder = new StdinHolder();
  readonly #outputs: Copy[] = [];
  /** Outputs that are not copied yet: source and destination. */
  readonly #waiting: [number, number][] = [];
  /** What comes out of the waiting ones. */
  #early: EarlyOutput[] = [];
  readonly #unread = new Unread();
  readonly #owner: IoOwner;
  readonly #watch: OutputWatch | undefined;
  /** Of stdin, stdout and stderr. */
  readonly #spares: (Spare | undefined)[] = [];
  #input: Copy | undefined;
  #logger: Logger | undefined;
  #stdio: [number | null, number | null, number | null] = [null, null, null];

  private constructor(owner: IoOwner, watch: OutputWatch | undefined) {
    this.#owner = owner;
    this.#watch = watch;
  }

  /**
   * Opens the streams.
   *
   * @param watch what to look for in the output, which then takes the way through us in any case
   * @throws ShimError; then nothing stays open
   */
  static async open(
    request: StdioRequest,
    owner: IoOwner,
    { signal, watch }: { readonly signal: AbortSignal; readonly watch?: OutputWatch | undefined },
  ): Promise<PipeIo> {
    const io = new PipeIo(owner, watch);
    try {
      await io.#openAll(request, signal);
      io.#keepSpares();
      return io;
    } catch (error) {
      io.close();
      throw error;
    }
  }

  get stdio(): readonly [number | null, number | null, number | null] {
    return this.#stdio;
  }

  startOver(): Promise<void> {
    return Promise.resolve(); // The pipes are as they were.
  }

  launching(): void {
    this.#early = this.#waiting.map(([from]) => new EarlyOutput(from));
  }

  launched(): Promise<void> {
    this.#theirs.closeAll();
    const waiting = this.#waiting.splice(0);
    for (const [index, [from, to]] of waiting.entries()) {
      const watch = this.#watch;
      this.#outputs.push(this.#early[index]?.copy(to, watch) ?? copy(from, to, watch));
    }
    this.#early = [];
    return Promise.resolve();
  }

  again(): Promise<SameStreams> {
    const opened = new FdSet();
    const close = (): void => {
      opened.closeAll();
    };
    const taken = (): Promise<void> => {
      close();
      return Promise.resolve();
    };
    try {
      const [stdin, stdout, stderr] = this.#spares.map(
        (spare) => spare && opened.add(spare.open()),
      );
      const stdio = [stdin ?? null, stdout ?? null, stderr ?? null] as const;
      return Promise.resolve({ stdio, taken, close });
    } catch (error) {
      close();
      return Promise.reject(ShimError.from(error));
    }
  }

  closeStdin(): void {
    this.#holder.release();
  }

  resize(): void {
    // There is no terminal to resize.
  }

  async delivered(): Promise<void> {
    await within(COPY_MS, this.#outputs);
    await this.#unread.gone(READ_MS);
  }

  async drain(timeoutMs: number): Promise<void> {
    this.#input?.stop();
    this.#theirs.closeAll(); // Of a process that was never launched.
    await within(timeoutMs, [...this.#outputs, ...(this.#logger ? [this.#logger] : [])]);
  }

  close(): void {
    this.#theirs.closeAll();
    for (const early of this.#early) early.stop();
    for (const fd of this.#waiting.splice(0).flat()) closeSync(fd);
    this.#holder.release();
    this.#unread.close();
    this.#input?.stop();
    for (const one of this.#outputs) one.stop();
    this.#logger?.stop();
    for (const spare of this.#spares.splice(0)) spare?.close();
  }

  #keepSpares(): void {
    for (const fd of this.#stdio) this.#spares.push(fd === null ? undefined : Spare.of(fd));
  }

  async #openAll(request: StdioRequest, signal: AbortSignal): Promise<void> {
    const stdin = parseStream(request.stdin);
    const stdout = parseStream(request.stdout);
    if (stdin.kind === 'path') this.#stdio[0] = this.#openStdin(stdin.path);
    if (stdout.kind === 'binary') {
      const { logger, ...ends } = await openLogger(stdout, this.#owner);
      this.#logger = logger;
      this.#stdio[1] = this.#watched(ends.stdout);
      this.#stdio[2] = this.#watched(ends.stderr);
      return;
    }
    this.#stdio[1] = await this.#openOutput(stdout, signal);
    const isSame = request.stderr === request.stdout || stdout.kind === 'file';
    this.#stdio[2] = isSame
      ? this.#stdio[1]
      : await this.#openOutput(parseStream(request.stderr), signal);
  }

  #openStdin(path: string): number {
    const source = openInput(path);
    if (!source.isFifo) return this.#theirs.add(source.fd);
    this.#holder.hold(path);
    const [theirs, ours] = pipe(this.#owner);
    this.#input = copy(source.fd, ours);
    return this.#theirs.add(theirs);
  }

  async #openOutput(target: StreamTarget, signal: AbortSignal): Promise<number | null> {
    // A logger reads both streams; it replaces stdout's destination.
    const sink = target.kind === 'binary' ? undefined : await openSink(target, signal);
    if (!sink) return null;
    if (!sink.isFifo) return this.#watched(sink.fd);
    this.#unread.watch(sink.fd);
    return this.#copied(sink.fd);
  }

  /** What the container writes to where output goes that it could write itself. */
  #watched(sink: number): number {
    return this.#watch ? this.#copied(sink) : this.#theirs.add(sink);
  }

  /** What the container writes to, where its output is copied. */
  #copied(sink: number): number {
    const [ours, theirs] = pipe(this.#owner);
    this.#waiting.push([ours, sink]);
    return this.#theirs.add(theirs);
  }
}
