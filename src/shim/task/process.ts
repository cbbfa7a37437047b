// SPDX-License-Identifier: Apache-2.0
import { asHostPid } from '../../common/ids.js';
import { ShimError } from '../../common/errors.js';
import type { StdioRequest, TaskIo } from '../io/task-io.js';
import type { Exit } from '../reaper.js';

/** One process of a container as containerd sees it: its init, or an exec. */
export class TaskProcess {
  /** Empty for init. */
  readonly execId: string;
  readonly stdio: StdioRequest;
  /** 0 until it runs. */
  pid = asHostPid(0);
  /** Resolves when the process has ended and its exit has been reported; never rejects. */
  readonly exited: Promise<Exit>;
  #io: TaskIo | undefined;
  /** What was requested of its streams before there were any: clients do not wait for the start. */
  #isStdinClosed = false;
  #size: readonly [number, number] | undefined;
  #exit: Exit | undefined;
  #isGone = false;
  #resolve: (exit: Exit) => void = () => undefined;

  constructor(execId: string, stdio: StdioRequest) {
    this.execId = execId;
    this.stdio = stdio;
    this.exited = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** Its streams; undefined until it has them. */
  get io(): TaskIo | undefined {
    return this.#io;
  }

  /** Gives it its streams, and does what was requested of them before. */
  connect(io: TaskIo): void {
    this.#io = io;
    if (this.#size !== undefined) io.resize(...this.#size);
    if (this.#isStdinClosed) io.closeStdin();
  }

  /** No more input comes from the client. */
  closeStdin(): void {
    this.#isStdinClosed = true;
    this.#io?.closeStdin();
  }

  /** Sets the size of its terminal, if it has one. */
  resize(width: number, height: number): void {
    this.#size = [width, height];
    this.#io?.resize(width, height);
  }

  /** How it ended; undefined while it is running. */
  get exit(): Exit | undefined {
    return this.#exit;
  }

  /** It has ended, which is reported when its output has been read: its pid is no longer its own. */
  async end(): Promise<void> {
    this.#isGone = true;
    await this.io?.delivered();
  }

  /** Records its end and releases those who wait for it. */
  finish(exit: Exit): void {
    this.#exit = exit;
    this.#resolve(exit);
  }

  /** Waits for the report of its end, if it ever ran, for a limited time: a killed process may take a moment. */
  async exitsWithin(limitMs: number): Promise<void> {
    if (this.pid === 0 || this.#exit !== undefined) return;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, limitMs)));
    await Promise.race([this.exited, late]);
    clearTimeout(timer);
  }

  /** Releases those who wait for a process that will never run. It can still be deleted. */
  abandon(exit: Exit): void {
    this.#resolve(exit);
  }

  /**
   * Sends it a signal.
   *
   * @throws ShimError `failedPrecondition` before its start, `notFound` after its end
   */
  kill(signal: number): void {
    this.assertRuns();
    try {
      process.kill(this.pid, signal);
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
      const kind = code === 'ESRCH' ? 'notFound' : 'unknown';
      throw new ShimError(kind, `send signal ${signal} to ${this.#name}: ${code}`, { cause });
    }
  }

  /** Whether its pid is its own: from its start to its end. */
  get isRunning(): boolean {
    return this.pid !== 0 && !this.#hasEnded;
  }

  get #hasEnded(): boolean {
    return this.#exit !== undefined || this.#isGone;
  }

  /** @throws ShimError `failedPrecondition` before its start, `notFound` after its end */
  assertRuns(): void {
    if (this.#hasEnded) {
      throw new ShimError('notFound', `${this.#name} has already finished`);
    }
    if (this.pid === 0) {
      throw new ShimError('failedPrecondition', `${this.#name} was not started`);
    }
  }

  get #name(): string {
    return this.execId === '' ? 'init' : `process ${this.execId}`;
  }
}
