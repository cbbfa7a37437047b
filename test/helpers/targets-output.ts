// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, write } from 'node:fs';
import { Socket } from 'node:net';
import { promisify } from 'node:util';
import { ShimError } from '../../src/common/errors.js';
import { makePipe } from '../../src/criu/resources/files/system.js';

const writeTo = promisify(write);

/** A line that no program under test writes: once it is read, all that was written before it is read. */
const MARK = '\u0000mark';
const DRAIN_TIMEOUT_MS = 10_000;

/** What a container's output goes into: a FIFO, or a pipe, which has no name. */
export type OutputKind = 'fifo' | 'pipe';

/**
 * A FIFO or pipe whose write end a container gets as stdout and stderr, read line by line, as containerd
 * hands stdio to a task. Close it when the container has gone.
 */
export class Output {
  readonly lines: string[] = [];
  readonly #reader: Socket;
  readonly #path: string;
  /** The write end of a pipe, which would end without it. */
  readonly #writer: number | undefined;
  #partial = '';
  #wake: () => void = () => undefined;

  /** `path` does not exist yet; a FIFO is made there. */
  constructor(path: string, kind: OutputKind = 'fifo') {
    let descriptor: number;
    if (kind === 'pipe') {
      [descriptor, this.#writer] = makePipe();
      this.#path = `/proc/self/fd/${String(this.#writer)}`;
    } else {
      execFileSync('mkfifo', ['-m', '600', path]);
      descriptor = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
      this.#path = path;
    }
    this.#reader = new Socket({ fd: descriptor, readable: true, writable: false });
    this.#reader.on('data', (chunk) => {
      this.#take(chunk.toString('utf8'));
    });
  }

  /** Opens the write end; the caller closes it. */
  openWriter(): number {
    return openSync(this.#path, constants.O_WRONLY);
  }

  /** The first line that matches, now or later. Throws `deadlineExceeded` after the timeout. */
  async waitFor(pattern: RegExp, timeoutMs: number): Promise<string> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const found = this.lines.find((line) => pattern.test(line));
      if (found !== undefined) return found;
      const left = deadline - performance.now();
      if (left <= 0) throw this.#late(pattern, timeoutMs);
      await this.#more(left);
    }
  }

  /** Resolves with the lines once all that has been written so far is read. */
  async drain(): Promise<readonly string[]> {
    if (this.#reader.destroyed) return this.lines;
    await withWriter(this, (fd) => writeTo(fd, `${MARK}\n`));
    const last = await this.waitFor(new RegExp(`${MARK}$`), DRAIN_TIMEOUT_MS);
    const before = last.slice(0, -MARK.length);
    this.lines.splice(this.lines.indexOf(last), 1, ...(before === '' ? [] : [before]));
    return this.lines;
  }

  /** Stops reading. */
  close(): void {
    this.#reader.destroy();
    if (this.#writer !== undefined) closeSync(this.#writer);
  }

  #late(pattern: RegExp, timeoutMs: number): ShimError {
    const seen = [...this.lines, this.#partial].join(' | ');
    const message = `no ${String(pattern)} within ${String(timeoutMs)} ms; output: ${seen}`;
    return new ShimError('deadlineExceeded', message);
  }

  #more(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #take(text: string): void {
    const parts = (this.#partial + text).split('\n');
    this.#partial = parts.pop() ?? '';
    this.lines.push(...parts);
    this.#wake();
  }
}

/** Runs `use` with a new write end of an output, which is closed in this process afterwards. */
export async function withWriter<T>(output: Output, use: (fd: number) => Promise<T>): Promise<T> {
  const descriptor = output.openWriter();
  try {
    return await use(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
