// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { closeSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { HostPid } from '../common/ids.js';
import { ShimError } from '../common/errors.js';

/**
 * A file for the pid of a container that does not run yet. A file that cannot be written fails before
 * anything runs, and a program that waits for the file never sees it without its content.
 */
export class PidFile {
  readonly #fd: number;
  /** Where the content lies until it is complete; undefined if there is no file to replace. */
  readonly #draft: string | undefined;
  readonly #path: string;

  private constructor(path: string, draft: string | undefined) {
    this.#path = path;
    this.#draft = draft;
    this.#fd = openSync(draft ?? path, draft === undefined ? 'w' : 'wx');
  }

  /** The caller writes or discards it. @throws ShimError for a path that cannot be written */
  static open(path: string): PidFile {
    try {
      if (path === '' || path.endsWith('/')) throw new Error('no name of a file');
      // A FIFO or a descriptor (/dev/fd/3) is written to, not replaced.
      const isPlain = statSync(path, { throwIfNoEntry: false })?.isFile() ?? true;
      const name = `.${basename(path)}.${randomUUID()}`;
      return new PidFile(path, isPlain ? join(dirname(path), name) : undefined);
    } catch (cause) {
      throw failed(path, cause);
    }
  }

  write(pid: HostPid): void {
    try {
      writeSync(this.#fd, String(pid));
      if (this.#draft !== undefined) renameSync(this.#draft, this.#path);
    } catch (cause) {
      this.#removeDraft();
      throw failed(this.#path, cause);
    } finally {
      closeSync(this.#fd);
    }
  }

  /** Leaves whatever was there before. */
  discard(): void {
    closeSync(this.#fd);
    this.#removeDraft();
  }

  #removeDraft(): void {
    if (this.#draft !== undefined) rmSync(this.#draft, { force: true });
  }
}

function failed(path: string, cause: unknown): ShimError {
  const { message } = ShimError.from(cause);
  return new ShimError('failedPrecondition', `write the pid file ${path}: ${message}`, { cause });
}
