// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { basename, dirname } from 'node:path';
import { badImage } from '../../../common/errors.js';
import { SYS } from '../../../native/sys.js';
import type { GhostFile } from '../../image/ghost.js';
import type { RegFileEntry } from '../../image/types.js';
import type { PlanData } from '../../plan/builder.js';
import { AT_REMOVEDIR, NR, O, REOPENABLE, S_IF, SEEK } from './abi.js';
import type { Folders } from './folders.js';
import { planContent } from './memfd.js';
import { checkPath } from './path.js';
import type { Stage } from './stage.js';
import { cPath } from './system.js';

const RENAME_NOREPLACE = 1;

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
  /** Number of the folder that both lie in. */
  readonly folder: number;
  readonly isDirectory: boolean;
}

/** Makes deleted files again under names nobody can guess, and removes the names once all are open. */
export class GhostPlan {
  readonly #stage: Stage;
  readonly #folders: Folders;
  readonly #made = new Map<number, MadeFile>();

  constructor(stage: Stage, folders: Folders) {
    this.#stage = stage;
    this.#folders = folders;
  }

  /** The path of a deleted file for the time being; `name` is the one it had. */
  path(remapId: number, ghost: GhostFile, name: string): string {
    const known = this.#made.get(remapId);
    if (known) return known.path;
    const where = dirname(name);
    const unique = `.mvas-${randomBytes(12).toString('hex')}`;
    const path = where === '/' ? `/${unique}` : `${where}/${unique}`;
    const isDirectory = (ghost.entry.mode & S_IF.mask) === S_IF.dir;
    const folder = this.#folders.open(remapId, where);
    const made = { path, name, folder, isDirectory };
    this.#made.set(remapId, made);
    this.#make(made, ghost);
    return path;
  }

  /**
   * Removes the names. Where nothing else has the name that a file had, it gets that first: the kernel
   * goes on showing the last name of an open file. Directories keep the new one: a removal that depends
   * on the renaming, as below, is not to be had for them.
   */
  finish(): void {
    const stage = this.#stage;
    const renamed = stage.builder.slot();
    for (const { path, name, folder, isDirectory } of this.#made.values()) {
      const from = this.#name(path);
      if (isDirectory) {
        stage.run(`remove ${path}`, SYS.unlinkat, [folder, from, AT_REMOVEDIR]);
        continue;
      }
      const to = this.#name(name);
      const names = [folder, from, folder, to, RENAME_NOREPLACE];
      const options = { tolerate: true, store: renamed };
      stage.sequence.syscall(`give ${path} its name`, NR.renameat2, names, options);
      stage.attempt(`remove ${path}`, SYS.unlinkat, [folder, from, 0]);
      // The flags are the result of the renaming: 0, or -errno, which the kernel refuses.
      stage.attempt(`remove ${name}`, SYS.unlinkat, [folder, to, renamed]);
    }
  }

  /** The last part of a path, for calls relative to its folder. */
  #name(path: string): PlanData {
    return this.#stage.builder.data(cPath(basename(path)), 1);
  }

  #make(made: MadeFile, { entry, content }: GhostFile): void {
    const stage = this.#stage;
    const what = `deleted file ${made.name}`;
    const number = stage.reserve();
    this.#open(what, made, number, entry.mode & S_IF.mask);
    const size = entry.size ?? 0n;
    const isFile = (entry.mode & S_IF.mask) === S_IF.reg;
    if (isFile) planContent(stage, number, what, { size, content: { entry, content } });
    stage.run(what, SYS.fchown, [number, entry.uid, entry.gid]);
    stage.run(what, SYS.fchmod, [number, entry.mode & 0o7777]);
    stage.close(number);
  }

  /** Makes a file, FIFO or directory that nobody else can open yet, and opens it. */
  #open(what: string, { path, folder }: MadeFile, number: number, type: number): void {
    const stage = this.#stage;
    if (type === S_IF.reg) {
      const flags = O.creat | O.excl | O.rdwr | O.nofollow;
      stage.openPath(what, number, path, { flags, mode: 0o600 });
    } else if (type === S_IF.dir) {
      stage.run(what, SYS.mkdirat, [folder, this.#name(path), 0o700]);
      stage.openPath(what, number, path, { flags: O.directory | O.nofollow });
    } else if (type === S_IF.fifo) {
      stage.run(what, SYS.mknodat, [folder, this.#name(path), S_IF.fifo | 0o600, 0]);
      stage.openPath(what, number, path, { flags: O.rdwr | O.nonblock | O.nofollow });
    } else badImage(`${what} is no regular file`);
  }
}
