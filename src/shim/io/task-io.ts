// SPDX-License-Identifier: Apache-2.0
import { closeSync } from 'node:fs';
import type { Stdio } from '../runc/runc.js';

/** How a process's streams were asked for. */
export interface StdioRequest {
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly terminal: boolean;
}

/** Whose streams they are. */
export interface IoOwner {
  readonly containerId: string;
  readonly namespace: string;
  /** Owner of the container's ends of the pipes, on the host. */
  readonly uid: number;
  readonly gid: number;
}

/** The streams of one process, between the container and the client. */
export interface TaskIo {
  /** What the container gets; closed by {@link launched}. */
  readonly stdio: Stdio;
  /** Unix socket on which runc hands over the terminal's master. */
  readonly consoleSocket?: string;
  /** To be called right before runc is, which writes where the process is to write, if it has something to say. */
  launching(): void;
  /** To be called when the process has its streams: our copies of them are closed. */
  launched(): Promise<void>;
  /** No more input: the process sees its end once the client has closed it, too. */
  closeStdin(): void;
  resize(width: number, height: number): void;
  /**
   * To be awaited when the process has exited, before that is told: waits until clients have read what
   * it wrote, a short time at most.
   */
  delivered(): Promise<void>;
  /** Waits until all output was copied, at most so long. Input ends with the process. */
  drain(timeoutMs: number): Promise<void>;
  /** Closes everything. May be called at any time, and repeatedly. */
  close(): void;
}

/** How long output may take from a process that has ended to the FIFO, and from there to the client. */
export const COPY_MS = 50;
export const READ_MS = 300;

/** Descriptors that are closed once. */
export class FdSet {
  readonly #fds = new Set<number>();

  add(fd: number): number {
    this.#fds.add(fd);
    return fd;
  }

  /** Hands a descriptor to another owner. */
  take(fd: number): number {
    this.#fds.delete(fd);
    return fd;
  }

  closeAll(): void {
    for (const fd of this.#fds) closeSync(fd);
    this.#fds.clear();
  }
}

/** Waits until all have ended, at most so long. */
export async function within(
  timeoutMs: number,
  all: readonly { readonly done: Promise<void> }[],
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((resolve) => (timer = setTimeout(resolve, timeoutMs)));
  await Promise.race([Promise.all(all.map((one) => one.done)), late]);
  clearTimeout(timer);
}
