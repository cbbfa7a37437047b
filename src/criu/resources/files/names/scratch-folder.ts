// SPDX-License-Identifier: Apache-2.0
import { SYS } from '../../../../native/sys.js';
import type { Argument, PlanData } from '../../../plan/values.js';
import { AT_REMOVEDIR, O, RESOLVE } from '../../../../native/abi/index.js';
import type { Stage } from '../stage.js';
import { cPath, openHow } from '../system.js';

/**
 * A folder of ours below one of the container's. It contains the folders that a name leads through when this folder
 * is the root folder. Nobody else can guess its name or enter it.
 */
export class ScratchFolder {
  /** The number of a descriptor (O_PATH) of it, open until {@link remove}. */
  readonly number: number;
  /** Where the name leads, relative to the folder. */
  readonly path: string;
  readonly #stage: Stage;
  readonly #parent: number;
  readonly #name: PlanData;
  readonly #below: readonly string[];

  /** Creates it below the folder that a descriptor refers to. */
  constructor(stage: Stage, parent: number, name: string) {
    this.#stage = stage;
    this.#parent = parent;
    const own = stage.names.take();
    this.#name = this.#data(own);
    this.number = stage.reserve();
    const { folders, path } = walk(name);
    this.path = path;
    this.#below = folders;
    const what = 'make a folder to bind a socket in';
    const how = openHow(O.path | O.directory | O.cloexec, 0, RESOLVE.beneath | RESOLVE.noSymlinks);
    const args = [parent, this.#name, stage.builder.data(how), how.length];
    this.#removeLeft(own, args);
    stage.run(what, SYS.mkdirat, [parent, this.#name, 0o700]);
    stage.make(what, this.number, SYS.openat2, args);
    for (const folder of folders) {
      stage.run(what, SYS.mkdirat, [this.number, this.#data(folder), 0o700]);
    }
  }

  /** Removes it. It must be empty except for its folders. */
  remove(): void {
    const what = 'remove a folder that a socket was bound in';
    for (const folder of this.#below.toReversed()) {
      this.#stage.run(what, SYS.unlinkat, [this.number, this.#data(folder), AT_REMOVEDIR]);
    }
    this.#stage.run(what, SYS.unlinkat, [this.#parent, this.#name, AT_REMOVEDIR]);
    this.#stage.close(this.number);
  }

  /** Something that a killed restore may have left; it is ours, since it is opened like what is created. */
  #removeLeft(name: string, open: readonly Argument[]): void {
    const what = 'remove what a killed restore has left';
    const stage = this.#stage;
    const left = stage.builder.slot();
    stage.sequence.syscall(what, SYS.openat2, open, { tolerate: true, store: left });
    // If there is nothing, the slot has an errno, which is not a descriptor.
    stage.attempt(what, SYS.unlinkat, [left, this.#data(this.path), 0]);
    for (const folder of this.#below.toReversed()) {
      stage.attempt(what, SYS.unlinkat, [left, this.#data(folder), AT_REMOVEDIR]);
    }
    stage.attempt(what, SYS.close, [left]);
    stage.removeLeft(this.#parent, name);
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
