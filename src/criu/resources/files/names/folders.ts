// SPDX-License-Identifier: Apache-2.0
import { AT_EMPTY_PATH, O } from '../../../../native/abi/index.js';
import { SYS } from '../../../../native/sys.js';
import type { MountFacts } from './mount-facts.js';
import { checkPath } from './path.js';
import type { PlanContext } from '../plan-context.js';
import type { Stage } from '../stage.js';

const OPEN_TREE_CLONE = 1;
/** `struct mount_attr` of mount_setattr(2): set, clear, propagation, user namespace. */
const WITHOUT_RDONLY = BigUint64Array.of(0n, 1n, 0n, 0n);

/**
 * Folders in which names are created, changed or removed with the rights of the host's root. Each is opened once,
 * without following symbolic links: the author of the new root filesystem must not be able to redirect these
 * operations. From then on, they are relative to the descriptor.
 */
export class Folders {
  readonly #stage: Stage;
  readonly #mounts: MountFacts | undefined;
  readonly #numbers = new Map<string, number>();
  /** Folders on read-only mounts, reached through mounts of our own. */
  readonly #writable = new Map<string, number>();

  /** `mounts`: those of the new container, needed for {@link writable}. */
  constructor(stage: Stage, mounts?: MountFacts) {
    this.#stage = stage;
    this.#mounts = mounts;
  }

  /** The number of a descriptor (O_PATH) of a folder, open until {@link close}. */
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
   * The same, but names can be created in it even if the mount is read-only, as long as its file system is not: it
   * is reached through a mount that nobody else sees.
   */
  writable(id: number, path: string): number {
    const folder = this.open(id, path);
    if (this.#mounts?.isReadOnly(path) !== true) return folder;
    const known = this.#writable.get(path);
    if (known !== undefined) return known;
    const { builder } = this.#stage;
    const number = this.#stage.reserve();
    const what = `reach folder ${path} of a read-only mount`;
    const here = builder.string('');
    const flags = OPEN_TREE_CLONE | AT_EMPTY_PATH | O.cloexec;
    this.#stage.make(what, number, SYS.open_tree, [folder, here, flags]);
    const attributes = builder.data(new Uint8Array(WITHOUT_RDONLY.buffer));
    const args = [number, here, AT_EMPTY_PATH, attributes, WITHOUT_RDONLY.byteLength];
    this.#stage.run(what, SYS.mount_setattr, args);
    this.#writable.set(path, number);
    return number;
  }

  close(): void {
    for (const known of [this.#numbers, this.#writable]) {
      for (const number of known.values()) this.#stage.close(number);
      known.clear();
    }
  }
}

/** The folders that files are opened in; they stay open until all files are. */
export class SharedFolders {
  readonly folders: Folders;

  constructor(plan: PlanContext) {
    this.folders = new Folders(plan.stage, plan.index.mounts);
    plan.atEnd(() => {
      this.folders.close();
    });
  }
}
