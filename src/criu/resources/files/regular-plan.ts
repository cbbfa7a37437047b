// SPDX-License-Identifier: Apache-2.0
import { SYS } from '../../../native/sys.js';
import type { RegFileEntry } from '../../image/types.js';
import { O, REOPENABLE, S_IF, SEEK } from './abi.js';
import { checkPath } from './path.js';
import type { Stage } from './stage.js';

/** Flags of open(2) that a file of the image is opened with. */
export function openFlags(entry: RegFileEntry): number {
  const isDirectory = ((entry.mode ?? 0) & S_IF.mask) === S_IF.dir;
  const flags = entry.flags & REOPENABLE;
  return isDirectory ? flags | O.directory : flags;
}

/**
 * Opens a file by its path and puts it where it was; one that is not written to must have its old size.
 * A deleted one is opened by way of the descriptor `ghost`.
 */
export function planRegular(
  stage: Stage,
  entry: RegFileEntry,
  number: number,
  ghost: number | undefined,
): void {
  const { id, pos, size = 0n, mode = 0 } = entry;
  checkPath(id, entry.name);
  const what = `file ${String(id)} (${entry.name})`;
  const flags = openFlags(entry);
  if (ghost === undefined) stage.openPath(`open ${what}`, number, entry.name, { flags });
  else if ((flags & O.nofollow) === 0) stage.reopen(`open ${what}`, number, ghost, flags);
  if (flags & O.path) return;
  const isFile = (mode & S_IF.mask) === S_IF.reg;
  const grows = (flags & O.append) !== 0 && (flags & O.accessMode) !== O.rdonly;
  if (isFile && ghost === undefined && !grows) {
    const claim = `${what} has not the size it had, ${String(size)}`;
    stage.run(claim, SYS.lseek, [number, 0, SEEK.end], Number(size));
    stage.run(`seek in ${what}`, SYS.lseek, [number, pos, SEEK.set]);
  } else if (pos !== 0n) stage.run(`seek in ${what}`, SYS.lseek, [number, pos, SEEK.set]);
}
