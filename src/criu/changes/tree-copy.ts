// SPDX-License-Identifier: Apache-2.0
import { lstatSync, rmSync, type BigIntStats } from 'node:fs';
import { encodeBytes } from '../../common/bytes.js';
import { ShimError } from '../../common/errors.js';
import { copyEntry, linkEntry, makeDirectory, writeInode } from './copy-entry.js';
import { failure, TreeWalk, type CopyPlaces } from './tree-walk.js';

/** How an entry was when it was copied. */
interface Seen {
  /** Which inode it was: numbers are used again. */
  readonly inode: string;
  /** The names in it; undefined if it is no directory. */
  readonly names: ReadonlySet<string> | undefined;
  /** Differs when the inode has been changed since; empty if that could not be told. */
  readonly mark: string;
}

const REMEDY = 'make room on it, or leave the root filesystem out (--no-rootfs)';
/** The kernel's times advance in ticks of up to 10 ms: a change soon after another has the same time. */
const TICK_MS = 50n;
const NANOSECONDS = 1_000_000n;

/**
 * A copy of a directory tree that follows it: what is copied while files change is copied again once they stand still,
 * as far as it has changed. Hard links, devices (so also whiteouts of overlayfs), holes, times and extended attributes
 * are kept. Inodes are compared by their change times: a shared mapping that is written to may not show there.
 */
export class TreeCopy {
  readonly #places: CopyPlaces;
  readonly #seen = new Map<string, Seen>();

  constructor(places: CopyPlaces) {
    this.#places = places;
  }

  /** Whether nothing was there to copy. */
  get isEmpty(): boolean {
    return this.#seen.size <= 1;
  }

  /** Copies what differs, while files change: what is gone when it is to be copied is left out. */
  follow(): Promise<void> {
    return new Pass(this.#places, this.#seen, { isMoving: true, mapped: new Set() }).run();
  }

  /** Copies what differs, while nothing changes. `mapped`: paths from the top whose content may have changed anyway. */
  finish(mapped: ReadonlySet<string>): Promise<void> {
    const { from } = this.#places;
    const options = { bigint: true, throwIfNoEntry: false } as const;
    const inodes = Array.from(mapped, (path) => lstatSync(encodeBytes(from + path), options)?.ino);
    const known = new Set(inodes.filter((inode) => inode !== undefined));
    return new Pass(this.#places, this.#seen, { isMoving: false, mapped: known }).run();
  }
}

/** Copies a directory tree in which nothing changes into an empty directory. @throws ShimError */
export function copyTree(places: CopyPlaces): Promise<void> {
  return new TreeCopy(places).finish(new Set());
}

/** The names of one inode share a decision: either all of them are made anew, or none. */
interface Group {
  /** The first one. */
  readonly path: string;
  readonly mark: string;
  readonly isCopied: boolean;
}

/** One walk through the tree. */
class Pass {
  readonly #places: CopyPlaces;
  readonly #walk: TreeWalk;
  readonly #seen: Map<string, Seen>;
  readonly #isMoving: boolean;
  readonly #mapped: ReadonlySet<bigint>;
  /** Inodes with several names that this pass has come to. */
  readonly #groups = new Map<bigint, Group>();

  constructor(
    places: CopyPlaces,
    seen: Map<string, Seen>,
    options: { readonly isMoving: boolean; readonly mapped: ReadonlySet<bigint> },
  ) {
    this.#places = places;
    this.#seen = seen;
    this.#isMoving = options.isMoving;
    this.#mapped = options.mapped;
    this.#walk = new TreeWalk(places.from, {
      directory: (path, stat) => this.#directory(path, stat),
      other: (path, stat) => this.#other(path, stat),
      failed: (path, error) => {
        this.#failed(path, error);
      },
    });
  }

  run(): Promise<void> {
    return this.#walk.visit('');
  }

  /** What is gone while files change is left out. */
  #failed(path: string, error: unknown): void {
    const { to } = this.#places;
    if (!this.#isMoving || !isGone(error)) throw failure(path, error, { to, remedy: REMEDY });
    this.#forget(path);
  }

  async #directory(path: string, stat: BigIntStats): Promise<void> {
    const { from, to } = this.#places;
    const before = this.#seen.get(path);
    const isSame = before?.names !== undefined && before.inode === inodeOf(stat);
    if (!isSame && path !== '') {
      this.#forget(path);
      makeDirectory(to + path);
    }
    const names = new Set(this.#walk.namesIn(path));
    this.#seen.set(path, { inode: inodeOf(stat), names, mark: '' });
    for (const name of before?.names ?? []) if (!names.has(name)) this.#forget(`${path}/${name}`);
    for (const name of names) await this.#walk.visit(`${path}/${name}`);
    writeInode(from + path, to + path, stat); // Last: what happens to entries changes its times.
  }

  async #other(path: string, stat: BigIntStats): Promise<void> {
    const before = this.#seen.get(path);
    const group = this.#groups.get(stat.ino);
    const inode = inodeOf(stat);
    const mark = group?.mark ?? markOf(stat);
    const isSame =
      isAsSeen(before, inode, mark) && !(group?.isCopied ?? this.#mapped.has(stat.ino));
    if (stat.nlink > 1n && !group) this.#groups.set(stat.ino, { path, mark, isCopied: !isSame });
    if (isSame) return;
    const { from, to } = this.#places;
    this.#forget(path);
    if (group) linkEntry(to + group.path, to + path);
    else await copyEntry(from + path, to + path, stat);
    this.#seen.set(path, { inode, names: undefined, mark });
  }

  /** Removes what was copied of a path, and of all below it. */
  #forget(path: string): void {
    const before = this.#seen.get(path);
    this.#seen.delete(path);
    if (before?.names) {
      for (const other of this.#seen.keys())
        if (other.startsWith(`${path}/`)) this.#seen.delete(other);
    }
    rmSync(encodeBytes(this.#places.to + path), { recursive: true, force: true });
  }
}

function isAsSeen(before: Seen | undefined, inode: string, mark: string): boolean {
  return mark !== '' && before?.inode === inode && before.mark === mark;
}

function inodeOf({ ino, birthtimeNs }: BigIntStats): string {
  return [ino, birthtimeNs].join();
}

/** What changes with an inode's content or attributes, right after the look at it; empty if it was changed just now. */
function markOf({ ctimeNs, mtimeNs, size, mode }: BigIntStats): string {
  const age = BigInt(Date.now()) - ctimeNs / NANOSECONDS;
  return age < TICK_MS ? '' : [ctimeNs, mtimeNs, size, mode].join();
}

function isGone(error: unknown): boolean {
  const code = (error as { readonly code?: unknown }).code;
  return code === 'ENOENT' || code === 'ENOTDIR' || ShimError.from(error).kind === 'notFound';
}
