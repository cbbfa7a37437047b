// SPDX-License-Identifier: Apache-2.0
import { closeSync, fchownSync } from 'node:fs';
import { pipe } from '../linux.js';
import { copy, input, output, type Copy } from './copy.js';
import { openHolder, openInput, openLogFile, openOutput, type OpenStream } from './fifo.js';
import { startLogger, type Logger } from './logger.js';
import { parseStream } from './stdio-uri.js';
import { drainCopies, FdSet, type IoOwner, type StdioRequest, type TaskIo } from './task-io.js';

/**
 * Streams of a process without a terminal: a pipe each, which the container gets one end of, copied
 * from or to the client's FIFO. Plain files are given to the container as they are.
 */
export class PipeIo implements TaskIo {
  readonly #theirs = new FdSet();
  readonly #outputs: Copy[] = [];
  readonly #owner: IoOwner;
  #input: Copy | undefined;
  #holder: number | undefined;
  #logger: Logger | undefined;
  #stdio: [number | null, number | null, number | null] = [null, null, null];

  private constructor(owner: IoOwner) {
    this.#owner = owner;
  }

  /** Opens the streams. @throws ShimError; nothing stays open then */
  static async open(request: StdioRequest, owner: IoOwner): Promise<PipeIo> {
    const io = new PipeIo(owner);
    try {
      await io.#openAll(request);
      return io;
    } catch (error) {
      io.close();
      throw error;
    }
  }

  get stdio(): readonly [number | null, number | null, number | null] {
    return this.#stdio;
  }

  launched(): Promise<void> {
    this.#theirs.closeAll();
    return Promise.resolve();
  }

  closeStdin(): void {
    if (this.#holder !== undefined) closeSync(this.#holder);
    this.#holder = undefined;
  }

  resize(): void {
    // There is no terminal to resize.
  }

  async drain(timeoutMs: number): Promise<void> {
    this.#input?.stop();
    await drainCopies(this.#outputs, timeoutMs);
  }

  close(): void {
    this.#theirs.closeAll();
    this.closeStdin();
    this.#input?.stop();
    for (const one of this.#outputs) one.stop();
    this.#logger?.stop();
  }

  async #openAll(request: StdioRequest): Promise<void> {
    const stdin = parseStream(request.stdin);
    const stdout = parseStream(request.stdout);
    if (stdin.kind === 'path') this.#openStdin(stdin.path);
    if (stdout.kind === 'binary') {
      await this.#openLogger(stdout.path, stdout.args);
      return;
    }
    const out = request.stdout === '' ? null : this.#openOutput(request.stdout);
    const same = request.stderr === request.stdout || stdout.kind === 'file';
    const err = same ? out : request.stderr === '' ? null : this.#openOutput(request.stderr);
    this.#stdio = [this.#stdio[0], out, err];
  }

  #openStdin(path: string): void {
    const source = openInput(path);
    if (!source.isFifo) {
      this.#stdio[0] = this.#theirs.add(source.fd);
      return;
    }
    this.#holder = openHolder(path);
    const [theirs, ours] = this.#pipe();
    this.#stdio[0] = this.#theirs.add(theirs);
    this.#input = copy(input(source.fd), output(ours));
  }

  #openOutput(uri: string): number {
    const sink = openSink(uri);
    if (!sink.isFifo) return this.#theirs.add(sink.fd);
    const [ours, theirs] = this.#pipe();
    this.#outputs.push(copy(input(ours), output(sink.fd)));
    return this.#theirs.add(theirs);
  }

  async #openLogger(path: string, args: readonly string[]): Promise<void> {
    const [outReader, outWriter] = this.#pipe();
    const [errReader, errWriter] = this.#pipe();
    this.#stdio = [this.#stdio[0], this.#theirs.add(outWriter), this.#theirs.add(errWriter)];
    this.#logger = await startLogger({ path, args, ...this.#owner }, [outReader, errReader]);
  }

  /** A pipe whose ends belong to the container's user, so that it can open /dev/stdout again. */
  #pipe(): readonly [number, number] {
    const ends = pipe();
    for (const fd of ends) fchownSync(fd, this.#owner.uid, this.#owner.gid);
    return ends;
  }
}

function openSink(uri: string): OpenStream {
  const target = parseStream(uri);
  if (target.kind === 'file') return openLogFile(target.path);
  return openOutput(target.kind === 'path' ? target.path : uri);
}
