// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { dirname } from 'node:path';
import { badImage } from '../../../common/errors.js';
import { SYS } from '../../../native/sys.js';
import type { GhostFile } from '../../image/ghost.js';
import type { RegFileEntry } from '../../image/types.js';
import { AT_FDCWD, NR, O, REOPENABLE, S_IF, SEEK } from './abi.js';
import { planContent } from './memfd.js';
import type { Stage } from './stage.js';
import { cPath } from './system.js';

const MAX_PATH = 4095;
const RENAME_NOREPLACE = 1;

/** Throws ShimError `dataLoss` for a name that no checkpoint writes. */
export function checkPath(id: number, path: string): void {
  const parts = path.split('/');
  const sane =
    path.startsWith('/') &&
    path.length <= MAX_PATH &&
    !path.includes('\0') &&
    !parts.includes('..') &&
    !parts.includes('.');
  if (!sane) badImage(`file ${String(id)}: ${JSON.stringify(path.slice(0, 80))} is no path`);
}

/** Flags of open(2) that a file of the image is opened with. */
export function openFlags(entry: RegFileEntry): number {
  const isDirectory = ((entry.mode ?? 0) & S_IF.mask) === S_IF.dir;
  const flags = entry.flags & REOPENABLE;
  return isDirectory ? flags | O.directory : flags;
}

/** Opens a file by its path and puts it where it was; one that is not written to must have its old size. */
export function planRegular(
  stage: Stage,
  entry: RegFileEntry,
  number: number,
  ghostPath: string | undefined,
): void {
  const { id, pos, size = 0n, mode = 0 } = entry;
  checkPath(id, entry.name);
  const what = `file ${String(id)} (${entry.name})`;
  const flags = openFlags(entry);
  stage.openPath(`open ${what}`, number, ghostPath ?? entry.name, { flags });
  if (flags & O.path) return;
  const isFile = (mode & S_IF.mask) === S_IF.reg;
  const grows = (flags & O.append) !== 0 && (flags & O.accessMode) !== O.rdonly;
  if (isFile && ghostPath === undefined && !grows) {
    const claim = `${what} has not the size it had, ${String(size)}`;
    stage.run(claim, SYS.lseek, [number, 0, SEEK.end], Number(size));
    stage.run(`seek in ${what}`, SYS.lseek, [number, pos, SEEK.set]);
  } else if (pos !== 0n) stage.run(`seek in ${what}`, SYS.lseek, [number, pos, SEEK.set]);
}

/** A deleted file for the time being. */
interface MadeFile {
  readonly path: string;
  /** The one it had. */
  readonly name: string;
  readonly isDirectory: boolean;
}

/** Makes deleted files again under names nobody can guess, and removes the names once all are open. */
export class GhostPlan {
  readonly #stage: Stage;
  readonly #made = new Map<number, MadeFile>();

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** The path of a deleted file for the time being; `name` is the one it had. */
  path(remapId: number, ghost: GhostFile, name: string): string {
    const known = this.#made.get(remapId);
    if (known) return known.path;
    const folder = dirname(name);
    const unique = `.mvas-${randomBytes(12).toString('hex')}`;
    const path = folder === '/' ? `/${unique}` : `${folder}/${unique}`;
    const isDirectory = (ghost.entry.mode & S_IF.mask) === S_IF.dir;
    this.#made.set(remapId, { path, name, isDirectory });
    this.#make(path, ghost, name);
    return path;
  }

  /**
   * Removes the names. Where nothing else has the name that a file had, it gets that first: the kernel
   * goes on showing the last name of an open file. Directories keep the new one: a removal that depends
   * on the renaming, as below, is not to be had for them.
   */
  finish(): void {
    const stage = this.#stage;
    const { builder } = stage;
    const renamed = builder.slot();
    for (const { path, name, isDirectory } of this.#made.values()) {
      if (isDirectory) {
        stage.run(`remove ${path}`, SYS.rmdir, [builder.data(cPath(path), 1)]);
        continue;
      }
      const [from, to] = [builder.data(cPath(path), 1), builder.data(cPath(name), 1)];
      const names = [AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE];
      const options = { tolerate: true, store: renamed };
      stage.sequence.syscall(`give ${path} its name`, NR.renameat2, names, options);
      stage.attempt(`remove ${path}`, SYS.unlinkat, [AT_FDCWD, from, 0]);
      // The flags are the result of the renaming: 0, or -errno, which the kernel refuses.
      stage.attempt(`remove ${name}`, SYS.unlinkat, [AT_FDCWD, to, renamed]);
    }
  }

  #make(path: string, { entry, content }: GhostFile, name: string): void {
    const stage = this.#stage;
    const what = `deleted file ${name}`;
    const type = entry.mode & S_IF.mask;
    const where = stage.builder.data(cPath(path), 1);
    if (type === S_IF.fifo || type === S_IF.dir) {
      if (type === S_IF.dir) stage.run(what, SYS.mkdir, [where, 0o700]);
      else stage.run(what, NR.mknod, [where, S_IF.fifo | 0o600, 0]);
      stage.run(what, SYS.fchownat, [AT_FDCWD, where, entry.uid, entry.gid, 0]);
      stage.run(what, SYS.fchmodat, [AT_FDCWD, where, entry.mode & 0o7777]);
      return;
    }
    if (type !== S_IF.reg) badImage(`${what} is no regular file`);
    const number = stage.reserve();
    const flags = O.creat | O.excl | O.rdwr | O.nofollow;
    stage.openPath(what, number, path, { flags, mode: 0o600 });
    const size = entry.size ?? 0n;
    planContent(stage, number, what, { size, content: { entry, content } });
    stage.run(what, SYS.fchown, [number, entry.uid, entry.gid]);
    stage.run(what, SYS.fchmod, [number, entry.mode & 0o7777]);
    stage.close(number);
  }
}
