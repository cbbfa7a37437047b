// SPDX-License-Identifier: Apache-2.0
import { SYS } from '../../../native/sys.js';
import { PlanPointer } from '../../plan/builder.js';
import { NR, O } from './abi.js';
import { checkPath } from './path.js';
import type { Stage } from './stage.js';
import { cPath } from './system.js';

/** FUTEX_CMP_REQUEUE | FUTEX_PRIVATE_FLAG: fails with EAGAIN unless a word has the value that is said. */
const FUTEX_COMPARE = 4 | 128;
/** `struct stat` of x86-64, which begins with device and inode, 8 bytes each. */
const STAT_SIZE = 144;
const WORDS_OF_IDENTITY = [0, 4, 8, 12];

/**
 * Folders in which names are made, changed or removed with the rights of the host's root. Each is
 * opened once, and no symbolic link is followed on the way: who wrote the new root filesystem must not
 * lead these operations elsewhere. The operations are relative to the descriptor from then on.
 */
export class Folders {
  readonly #stage: Stage;
  readonly #numbers = new Map<string, number>();

  constructor(stage: Stage) {
    this.#stage = stage;
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
    for (const number of this.#numbers.values()) this.#stage.close(number);
    this.#numbers.clear();
  }
}
