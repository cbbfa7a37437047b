// SPDX-License-Identifier: Apache-2.0
import { SYS } from '../../../native/sys.js';
import { PlanPointer } from '../../plan/builder.js';
import type { MountInfo } from '../../procfs/mountinfo.js';
import { NR, O } from './abi.js';
import { mountOf } from './container-path.js';
import { checkPath } from './path.js';
import type { Stage } from './stage.js';
import { cPath } from './system.js';

/** FUTEX_CMP_REQUEUE | FUTEX_PRIVATE_FLAG: fails with EAGAIN unless a word has the value that is said. */
const FUTEX_COMPARE = 4 | 128;
/** `struct stat` of x86-64, which begins with device and inode, 8 bytes each. */
const STAT_SIZE = 144;
const WORDS_OF_IDENTITY = [0, 4, 8, 12];

const OPEN_TREE_CLONE = 1;
const AT_EMPTY_PATH = 0x1000;
/** `struct mount_attr` of mount_setattr(2): set, clear, propagation, user namespace. */
const WITHOUT_RDONLY = BigUint64Array.of(0n, 1n, 0n, 0n);

/**
 * Folders in which names are made, changed or removed with the rights of the host's root. Each is
 * opened once, and no symbolic link is followed on the way: who wrote the new root filesystem must not
 * lead these operations elsewhere. The operations are relative to the descriptor from then on.
 */
export class Folders {
  readonly #stage: Stage;
  readonly #mounts: readonly MountInfo[];
  readonly #numbers = new Map<string, number>();
  /** Of folders on read-only mounts, by way of mounts of our own. */
  readonly #writable = new Map<string, number>();

  /** `mounts`: of the new container, where {@link writable} is needed. */
  constructor(stage: Stage, mounts: readonly MountInfo[] = []) {
    this.#stage = stage;
    this.#mounts = mounts;
  }

  /** The number of a descriptor (O_PATH) on a folder, until {@link close}. */
  open(id: number, path: string): number {
    const known = this.#numbers.get(path);
    if (known !== undefined) return known;
    checkPath(id, path);
    const number = this.#stage.reserve();
    const what = `open folder ${path} without following symbolic links`;
    this.#stage.openPath(what, number, path, { flags: O.path | O.directory });
    this.#numbers.set(path, number);
    return number;
  }

  /**
   * The same, but names can be made in it where the mount is read-only and its file system is not: it
   * is reached by a mount that nobody else sees.
   */
  writable(id: number, path: string): number {
    const folder = this.open(id, path);
    if (mountOf(this.#mounts, path)?.options.includes('ro') !== true) return folder;
    const known = this.#writable.get(path);
    if (known !== undefined) return known;
    const { builder } = this.#stage;
    const number = this.#stage.reserve();
    const what = `reach folder ${path} of a read-only mount`;
    const here = builder.string('');
    const flags = OPEN_TREE_CLONE | AT_EMPTY_PATH | O.cloexec;
    this.#stage.make(what, number, NR.openTree, [folder, here, flags]);
    const attributes = builder.data(new Uint8Array(WITHOUT_RDONLY.buffer));
    const args = [number, here, AT_EMPTY_PATH, attributes, WITHOUT_RDONLY.byteLength];
    this.#stage.run(what, NR.mountSetattr, args);
    this.#writable.set(path, number);
    return number;
  }

  /** Makes sure that a path, symbolic links followed, leads to the folder with this number. */
  expect(what: string, number: number, path: string): void {
    const { builder, sequence } = this.#stage;
    const [wanted, found] = [builder.reserve(STAT_SIZE), builder.reserve(STAT_SIZE)];
    this.#stage.run(what, NR.fstat, [number, wanted]);
    this.#stage.run(what, NR.stat, [builder.data(cPath(path), 1), found]);
    const word = builder.reserve(8);
    for (const at of WORDS_OF_IDENTITY) {
      sequence.copy(what, word, new PlanPointer(wanted, at), 4);
      const value = this.#stage.load(what, word);
      const there = new PlanPointer(found, at);
      this.#stage.run(what, SYS.futex, [there, FUTEX_COMPARE, 0, 0, there, value]);
    }
  }

  close(): void {
    for (const known of [this.#numbers, this.#writable]) {
      for (const number of known.values()) this.#stage.close(number);
      known.clear();
    }
  }
}
