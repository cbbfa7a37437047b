// SPDX-License-Identifier: Apache-2.0
import { fstatSync, lstatSync, readdirSync, type BigIntStats } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import type { HostPid } from '../../../../common/ids.js';
import { assertNotAborted } from '../../../../common/errors.js';
import { closeFd } from '../../../../native/sys.js';
import { decodeBytes, encodeBytes } from '../../../../common/bytes.js';
import { O, RESOLVE } from '../../../../native/abi/index.js';
import { openAt2, openOwn } from '../system.js';

/** How many directory entries are looked at before a walk gives up. */
const MAX_ENTRIES = 100_000;
/** How many are looked at before others get their turn: about two milliseconds. */
const ENTRIES_PER_TURN = 256;

/** Something that a walk meets. */
export interface Met {
  readonly path: string;
  readonly stat: BigIntStats;
}

/** Where walks go, and how far. */
export interface WalkOptions {
  /** A process: paths are as it sees its files. */
  readonly rootPid: HostPid;
  /** Called with everything that is met; true ends the walk. */
  readonly visit: (met: Met) => boolean;
  readonly signal?: AbortSignal | undefined;
  readonly mostEntries?: number;
}

/**
 * Walks through directories, breadth first, without leaving their mounts. It uses descriptors, so no link leads
 * elsewhere. The event loop keeps running meanwhile.
 */
export class TreeWalker {
  readonly #options: WalkOptions;
  readonly #root: number;
  #left: number;
  #untilTurn = ENTRIES_PER_TURN;

  /** Bounded: all its walks together look at `mostEntries`. {@link close} it. */
  constructor(options: WalkOptions) {
    this.#options = options;
    this.#left = options.mostEntries ?? MAX_ENTRIES;
    this.#root = openOwn(`/proc/${String(options.rootPid)}/root`, O.path | O.directory);
  }

  close(): void {
    closeFd(this.#root);
  }

  /**
   * Walks through everything below a directory. Ends early if nothing more is wanted.
   *
   * @throws ShimError `canceled`
   */
  async tree(top: string): Promise<void> {
    const queue = [top];
    for (let at = 0; at < queue.length && this.#left > 0; at += 1) {
      const below = await this.directory(queue[at] ?? top);
      if (below === 'ended') return;
      for (const path of below) queue.push(path);
    }
  }

  /** The same in one directory only; returns the directories in it. */
  async directory(path: string): Promise<string[] | 'ended'> {
    const resolve = RESOLVE.inRoot | RESOLVE.noSymlinks;
    const flags = O.rdonly | O.directory | O.nofollow;
    const fd = openAt2(this.#root, path, flags, resolve);
    await this.#count();
    if (fd < 0) return [];
    try {
      return await this.#list(fd, path);
    } finally {
      closeFd(fd);
    }
  }

  async #list(fd: number, path: string): Promise<string[] | 'ended'> {
    const self = fstatSync(fd, { bigint: true });
    if (this.#options.visit({ path, stat: self })) return 'ended';
    const here = `/proc/self/fd/${String(fd)}`;
    const below: string[] = [];
    for (const raw of readdirSync(here, { encoding: 'buffer' })) {
      if (this.#left <= 0) break;
      await this.#count();
      const name = decodeBytes(raw);
      const child = path === '/' ? `/${name}` : `${path}/${name}`;
      const entry = encodeBytes(`${here}/${name}`);
      const stat = lstatSync(entry, { bigint: true, throwIfNoEntry: false });
      if (!stat) continue;
      if (this.#options.visit({ path: child, stat })) return 'ended';
      if (stat.isDirectory() && stat.dev === self.dev) below.push(child);
    }
    return below;
  }

  async #count(): Promise<void> {
    this.#left -= 1;
    if (--this.#untilTurn > 0) return;
    this.#untilTurn = ENTRIES_PER_TURN;
    await turn();
    assertNotAborted(this.#options.signal, 'look for names of open files');
  }
}
