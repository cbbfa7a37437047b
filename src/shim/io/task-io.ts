// SPDX-License-Identifier: Apache-2.0
import { closeSync } from 'node:fs';
import type { Stdio } from '../runc/runc.js';

/** How a process's streams were requested. */
export interface StdioRequest {
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly terminal: boolean;
}

/** The process whose streams they are. */
export interface IoOwner {
  readonly containerId: string;
  readonly namespace: string;
  /** Owner of the container's ends of the pipes, on the host. */
  readonly uid: number;
  readonly gid: number;
}

/** The same streams once more, for a process that takes the place of the one that has them. */
export interface SameStreams {
  readonly stdio: Stdio;
  /** As {@link TaskIo.consoleSocket}. */
  readonly consoleSocket?: string;
  /** Called when the other process has gone and this one has its streams: closes our copies of them. */
  taken(): Promise<void>;
  /** Gives them up, unless they have been taken. */
  close(): void;
}

/** The streams of one process, between the container and the client. */
export interface TaskIo {
  /** What the container gets; {@link launched} closes it. */
  readonly stdio: Stdio;
  /** Unix socket to which runc sends the terminal's master. */
  readonly consoleSocket?: string;
  /** Makes them ready for another runc, after one that has failed: nothing that this one has sent is taken. */
  startOver(): Promise<void>;
  /** Called right before runc, which writes its own errors to the process's output. */
  launching(): void;
  /** Called when the process has its streams: closes our copies of them. */
  launched(): Promise<void>;
  /**
   * Opens the same streams for another process, while this one still has them: so they never end in between. To be
   * taken or closed.
   */
  again(): Promise<SameStreams>;
  /** No more input: the process sees its end once the client has closed it, too. */
  closeStdin(): void;
  resize(width: number, height: number): void;
  /**
   * To be awaited between the process's exit and its report: waits until clients have read its output, for a short
   * time at most.
   */
  delivered(): Promise<void>;
  /** Waits until all output has been copied, for a limited time. Input ends with the process. */
  drain(timeoutMs: number): Promise<void>;
  /** Closes everything. May be called at any time, and repeatedly. */
  close(): void;
}

/** How long output of a process that has ended may take to the FIFO, and from there to the client. */
export const COPY_MS = 50;
export const READ_MS = 300;

/** Descriptors that are closed once. */
export class FdSet {
  readonly #fds = new Set<number>();

  add(fd: number): number {
    this.#fds.add(fd);
    return fd;
  }

  /** Passes a descriptor to another owner. */
  take(fd: number): number {
    this.#fds.delete(fd);
    return fd;
  }

  closeAll(): void {
    for (const fd of this.#fds) closeSync(fd);
    this.#fds.clear();
  }
}

/** Waits until all have ended, for a limited time. */
export async function within(
  timeoutMs: number,
  all: readonly { readonly done: Promise<void> }[],
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((resolve) => (timer = setTimeout(resolve, timeoutMs)));
  await Promise.race([Promise.all(all.map((one) => one.done)), late]);
  clearTimeout(timer);
}
