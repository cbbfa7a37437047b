// SPDX-License-Identifier: Apache-2.0
import { SYS } from '../../../../../native/sys.js';
import type { RegFileEntry } from '../../../../image/types.js';
import { O, REOPENABLE, S_IF, SEEK } from '../../abi.js';
import type { OpenedFiles } from './opened-files.js';
import { checkPath } from '../../names/path.js';
import type { Stage } from '../../stage.js';

/** Flags of open(2) that a file of the image is opened with. */
export function openFlags(entry: RegFileEntry): number {
  const isDirectory = ((entry.mode ?? 0) & S_IF.mask) === S_IF.dir;
  const flags = entry.flags & REOPENABLE;
  return isDirectory ? flags | O.directory : flags;
}

/** How a file is opened: by its name, then to be looked at, or where it was deleted, by way of a descriptor. */
export type FilePlace = { readonly opened: OpenedFiles } | { readonly ghost: number };

/** Opens a file and puts it where it was. */
export function planRegular(
  stage: Stage,
  entry: RegFileEntry,
  number: number,
  place: FilePlace,
): void {
  const { id, pos } = entry;
  checkPath(id, entry.name);
  const what = `file ${String(id)} (${entry.name})`;
  const flags = openFlags(entry);
  if ('opened' in place) {
    const explain = (result: bigint): string | undefined => place.opened.explain(entry, result);
    stage.openPath(`open ${what}`, number, entry.name, { flags, explain });
    place.opened.plan(stage, entry, number);
  } else if ((flags & O.nofollow) === 0) {
    stage.reopen(`open ${what}`, number, place.ghost, flags);
  }
  if (pos === 0n || flags & O.path) return;
  stage.run(`seek in ${what}`, SYS.lseek, [number, pos, SEEK.set]);
}
