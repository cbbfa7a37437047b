// SPDX-License-Identifier: Apache-2.0
import type { HostPid } from '../../../../common/ids.js';
import { TreeWalker, type Met } from './tree-search.js';

/** An inode that has a name, which is not known. */
export interface WantedName {
  readonly inode: bigint;
  /** Mount points where it may be, in the order in which they are searched. */
  readonly mounts: readonly string[];
  /** A directory that is searched first. */
  readonly near?: string;
  /** Whether something with this inode number is really it. */
  readonly accepts?: (met: Met) => boolean;
  /** Called with what was found; undefined if nothing was. */
  readonly settle: (path: string | undefined) => void;
}

/** What a {@link NameSearch} needs besides the inodes. */
export interface SearchOptions {
  readonly rootPid: HostPid;
  readonly signal?: AbortSignal | undefined;
  /** How many directory entries of each mount are looked at before the search gives up. */
  readonly mostEntries?: number;
}

/** Finds names of inodes. Each mount is walked once for all of them. */
export class NameSearch {
  readonly #wanted: WantedName[] = [];

  /** Adds an inode to those that {@link run} looks for. */
  want(wanted: WantedName): void {
    this.#wanted.push(wanted);
  }

  /**
   * Looks for all inodes, and reports each one, in the order in which they were added.
   *
   * @returns how many things it has looked at
   * @throws ShimError `canceled`
   */
  async run(options: SearchOptions): Promise<number> {
    const round = new Round(options);
    const wanted = this.#wanted.splice(0);
    await round.near(wanted);
    for (const mount of new Set(wanted.flatMap(({ mounts }) => mounts))) {
      await round.mount(
        mount,
        wanted.filter(({ mounts }) => mounts.includes(mount)),
      );
    }
    for (const one of wanted) one.settle(round.found.get(one));
    return round.seen;
  }
}

class Round {
  readonly found = new Map<WantedName, string>();
  seen = 0;
  readonly #options: SearchOptions;

  constructor(options: SearchOptions) {
    this.#options = options;
  }

  /** Searches the directories where names are likely. */
  async near(wanted: readonly WantedName[]): Promise<void> {
    const those = wanted.filter(({ near }) => near !== undefined);
    const folders = new Set(those.map(({ near = '/' }) => near));
    await this.#walk(those, async (walker) => {
      for (const folder of folders) if ((await walker.directory(folder)) === 'ended') return;
    });
  }

  async mount(mountPoint: string, wanted: readonly WantedName[]): Promise<void> {
    await this.#walk(wanted, (walker) => walker.tree(mountPoint));
  }

  /** Walks until everything is found. */
  async #walk(
    wanted: readonly WantedName[],
    walk: (walker: TreeWalker) => Promise<void>,
  ): Promise<void> {
    const missing = wanted.filter((one) => !this.found.has(one));
    if (missing.length === 0) return;
    const byInode = new Map<bigint, WantedName[]>();
    for (const one of missing) {
      byInode.set(one.inode, [...(byInode.get(one.inode) ?? []), one]);
    }
    const visit = (met: Met): boolean => {
      this.seen += 1;
      const those = byInode.get(met.stat.ino);
      if (!those) return false;
      const left = those.filter((one) => one.accepts?.(met) === false);
      for (const one of those) if (!left.includes(one)) this.found.set(one, met.path);
      if (left.length > 0) byInode.set(met.stat.ino, left);
      else byInode.delete(met.stat.ino);
      return byInode.size === 0;
    };
    const walker = new TreeWalker({ ...this.#options, visit });
    try {
      await walk(walker);
    } finally {
      walker.close();
    }
  }
}
