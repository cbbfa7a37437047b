// SPDX-License-Identifier: Apache-2.0
import { lstatSync, rmSync, type BigIntStats } from 'node:fs';
import { encodeBytes } from '../../common/bytes.js';
import { readAttributes } from '../resources/tmpfs-attributes.js';
import { copyEntry, linkEntry, makeDirectory, writeInode } from './copy-entry.js';
import { failure, TreeWalk, type CopyPlaces } from './tree-walk.js';

/** Set to `y` on a directory that hides what lies below it (overlayfs). */
const OPAQUE: readonly string[] = ['trusted.overlay.opaque', 'user.overlay.opaque'];

/**
 * Lays an upper layer of overlayfs over a lower one, which is ours and becomes both. Whiteouts stay: there are more layers
 * below. Nothing else changes either of them meanwhile.
 *
 * @throws ShimError
 */
export function addLayer(places: CopyPlaces): Promise<void> {
  return new Addition(places).run();
}

class Addition {
  readonly #places: CopyPlaces;
  readonly #walk: TreeWalk;
  /** First names of inodes with several. */
  readonly #firsts = new Map<bigint, string>();

  constructor(places: CopyPlaces) {
    this.#places = places;
    this.#walk = new TreeWalk(places.from, {
      directory: (path, stat) => this.#directory(path, stat),
      other: (path, stat) => this.#other(path, stat),
      failed: (path, error) => {
        throw failure(path, error, { to: places.to, remedy: 'make room on it' });
      },
    });
  }

  run(): Promise<void> {
    return this.#walk.visit('');
  }

  async #directory(path: string, stat: BigIntStats): Promise<void> {
    const [from, to] = [this.#places.from + path, this.#places.to + path];
    const there = lstatSync(encodeBytes(to), { throwIfNoEntry: false });
    if (there?.isDirectory() !== true || (path !== '' && isOpaque(from))) {
      this.#remove(path);
      makeDirectory(to);
    }
    for (const name of this.#walk.namesIn(path)) await this.#walk.visit(`${path}/${name}`);
    writeInode(from, to, stat); // Last: what happens to entries changes its times.
  }

  async #other(path: string, stat: BigIntStats): Promise<void> {
    const { from, to } = this.#places;
    this.#remove(path);
    const first = this.#firsts.get(stat.ino);
    if (first !== undefined) {
      linkEntry(to + first, to + path);
      return;
    }
    await copyEntry(from + path, to + path, stat);
    if (stat.nlink > 1n) this.#firsts.set(stat.ino, path);
  }

  #remove(path: string): void {
    rmSync(encodeBytes(this.#places.to + path), { recursive: true, force: true });
  }
}

function isOpaque(directory: string): boolean {
  return readAttributes(directory).some(
    ({ name, value }) => OPAQUE.includes(name) && value[0] === 'y'.charCodeAt(0),
  );
}
