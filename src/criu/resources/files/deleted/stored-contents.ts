// SPDX-License-Identifier: Apache-2.0
import { SEEK } from '../../../../native/abi/index.js';
import { closeFd, SYS } from '../../../../native/sys.js';
import type { GhostFile } from '../../../image/ghost.js';
import type { LiveContent } from '../../../memory/live/place-contents.js';
import { wholePages, type SharedObject } from '../../../memory/memory-map.js';
import { runsOf } from '../../../memory/of-image.js';
import { pairs } from '../../../memory/to-image.js';
import type { DumpContext } from '../dump-context.js';
import type { Stage } from '../stage.js';

/** Files without a name whose content is too large for an image, and is copied into the VAS like memory. */
export class StoredContents {
  readonly #opened = new Map<number, number>();

  constructor(context: DumpContext) {
    context.atClose(() => {
      for (const fd of this.#opened.values()) closeFd(fd);
    });
  }

  /** Takes over a descriptor of ours on the file of a remap id. */
  add(id: number, fd: number): void {
    this.#opened.set(id, fd);
  }

  /** All of them; their paths lead there until the dump is closed. */
  list(): LiveContent[] {
    return [...this.#opened].map(([id, fd]) => ({ id, path: `/proc/self/fd/${String(fd)}` }));
  }
}

/** Says in the entries of files where their content lies. */
export function placeGhosts(
  ghosts: ReadonlyMap<number, GhostFile>,
  contents: readonly SharedObject[],
): ReadonlyMap<number, GhostFile> {
  const placed = new Map(ghosts);
  for (const { id, place, runs } of contents) {
    const ghost = ghosts.get(Number(id));
    if (!ghost) continue;
    const entry = { ...ghost.entry, mvas_park: place, mvas_runs: pairs(runs, 0n) };
    placed.set(Number(id), { entry, content: [] });
  }
  return placed;
}

/** Writes the content of a new file from where a fork of the holder has it, and drops it there. */
export function planStoredContent(
  stage: Stage,
  number: number,
  what: string,
  { size, entry }: { readonly size: bigint; readonly entry: GhostFile['entry'] },
): void {
  const { mvas_park: place, mvas_runs: stored } = entry;
  if (place === undefined) return;
  for (const { start, length } of runsOf(stored, 0n)) {
    const bytes = start + length > size ? size - start : length;
    stage.run(`${what}: seek`, SYS.lseek, [number, start, SEEK.set], Number(start));
    stage.sequence.write(`${what}: content`, number, place + start, bytes);
  }
  stage.run(`${what}: drop the stash`, SYS.munmap, [place, wholePages(size)]);
}
