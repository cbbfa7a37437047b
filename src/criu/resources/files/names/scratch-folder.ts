// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { SYS } from '../../../../native/sys.js';
import type { PlanData } from '../../../plan/builder.js';
import { AT_REMOVEDIR, O, RESOLVE } from '../abi.js';
import type { Stage } from '../stage.js';
import { cPath, openHow } from '../system.js';

/**
 * A folder of ours below one of the container's, and in it the folders that a name leads through when the
 * folder is the root folder. Nobody else can guess its name or enter it.
 */
export class ScratchFolder {
  /** The number of a descriptor (O_PATH) on it, until {@link remove}. */
  readonly number: number;
  /** Where the name leads, relative to the folder. */
  readonly path: string;
  readonly #stage: Stage;
  readonly #parent: number;
  readonly #name: PlanData;
  readonly #below: readonly string[];

  /** Makes it, below the folder that a descriptor is open on. */
  constructor(stage: Stage, parent: number, name: string) {
    this.#stage = stage;
    this.#parent = parent;
    this.#name = this.#data(`.mvas-${randomBytes(12).toString('hex')}`);
    this.number = stage.reserve();
    const what = 'make a folder to bind a socket in';
    const how = openHow(O.path | O.directory | O.cloexec, 0, RESOLVE.beneath | RESOLVE.noSymlinks);
    stage.run(what, SYS.mkdirat, [parent, this.#name, 0o700]);
    const args = [parent, this.#name, stage.builder.data(how), how.length];
    stage.make(what, this.number, SYS.openat2, args);
    const { folders, path } = walk(name);
    this.path = path;
    this.#below = folders;
    for (const folder of folders) {
      stage.run(what, SYS.mkdirat, [this.number, this.#data(folder), 0o700]);
    }
  }

  /** Removes it. It must be empty but for its folders. */
  remove(): void {
    const what = 'remove a folder that a socket was bound in';
    for (const folder of this.#below.toReversed()) {
      this.#stage.run(what, SYS.unlinkat, [this.number, this.#data(folder), AT_REMOVEDIR]);
    }
    this.#stage.run(what, SYS.unlinkat, [this.#parent, this.#name, AT_REMOVEDIR]);
    this.#stage.close(this.number);
  }

  #data(name: string): PlanData {
    return this.#stage.builder.data(cPath(name), 1);
  }
}

/** The folders that a name leads through, outermost first, and where it leads; `..` ends at the root. */
function walk(name: string): { folders: string[]; path: string } {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  const last = parts.pop() ?? '';
  const folders = new Set<string>();
  const here: string[] = [];
  for (const part of parts) {
    if (part === '..') here.pop();
    else {
      here.push(part);
      folders.add(here.join('/'));
    }
  }
  return { folders: [...folders], path: [...here, last].join('/') };
}
