// SPDX-License-Identifier: Apache-2.0
import { lstatSync, readdirSync, type BigIntStats } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { decodeBytes, encodeBytes } from '../../common/bytes.js';
import { ShimError } from '../../common/errors.js';

/** How long the event loop may wait for us. */
const TURN_MS = 5;
/** Errors of a full disk. */
const FULL = ['ENOSPC', 'EDQUOT'];

/** Two directories. What lies in the second one is ours. */
export interface CopyPlaces {
  readonly from: string;
  readonly to: string;
}

/** What is done with each entry of a tree. Paths are from the top, which is the empty one. */
export interface Visitor {
  /** The entries of a directory are visited by {@link TreeWalk.visit}. */
  readonly directory: (path: string, stat: BigIntStats) => Promise<void>;
  readonly other: (path: string, stat: BigIntStats) => Promise<void>;
  /** An entry could not be looked at, or not be visited. */
  readonly failed: (path: string, error: unknown) => void;
}

/** One walk through a directory tree, which lets others have their turn. */
export class TreeWalk {
  readonly #top: string;
  readonly #visitor: Visitor;
  #since = performance.now();

  constructor(top: string, visitor: Visitor) {
    this.#top = top;
    this.#visitor = visitor;
  }

  async visit(path: string): Promise<void> {
    if (performance.now() - this.#since > TURN_MS) {
      await turn();
      this.#since = performance.now();
    }
    try {
      const stat = lstatSync(encodeBytes(this.#top + path), { bigint: true });
      if (stat.isDirectory()) await this.#visitor.directory(path, stat);
      else await this.#visitor.other(path, stat);
    } catch (error) {
      this.#visitor.failed(path, error);
    }
  }

  /** The names in a directory. */
  namesIn(path: string): string[] {
    return readdirSync(encodeBytes(this.#top + path), { encoding: 'buffer' }).map(decodeBytes);
  }
}

/** Why a path could not be copied to a tree. */
export function failure(
  path: string,
  error: unknown,
  { to, remedy }: { readonly to: string; readonly remedy: string },
): ShimError {
  const what = `copy ${path === '' ? '/' : path} of the root filesystem's changes`;
  if (isFull(error)) {
    const message = `${what}: there is no room on the file system of ${to}; remedy: ${remedy}`;
    return new ShimError('resourceExhausted', message, { cause: error });
  }
  if (error instanceof ShimError) return error;
  const { code = String(error) } = error as NodeJS.ErrnoException;
  return new ShimError('unknown', `${what}: ${code}`, { cause: error });
}

/** Whether a disk is full, or its owner may have no more of it. */
function isFull(error: unknown): boolean {
  const { code, message } = error as NodeJS.ErrnoException;
  return FULL.some((one) => code === one || (error instanceof ShimError && message.endsWith(one)));
}
