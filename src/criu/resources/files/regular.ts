// SPDX-License-Identifier: Apache-2.0
import { fstatSync, lstatSync, type BigIntStats } from 'node:fs';
import { closeFd } from '../../../native/sys.js';
import type { FownEntry, RegFileEntry } from '../../image/types.js';
import { readFdinfo } from '../../procfs/reader.js';
import { O, REOPENABLE, S_IF } from './abi.js';
import { leadsTo, opensLate, withoutDeleted } from './container-path.js';
import type { DumpContext } from './dump-context.js';
import type { Ghosts } from './ghost.js';
import type { OpenFile } from './open-file.js';
import { dumpOwner, noOwner } from './owner.js';
import { openOwn, ownLink } from './system.js';
import { terminalEnd } from './terminal.js';

/** Minor numbers of memory devices (major 1) that hold no state: null, zero, full, random, urandom. */
const STATELESS_DEVICES: ReadonlySet<number> = new Set([3, 5, 7, 8, 9]);

/** Any file with a path: what is needed of it to find it again. */
export interface PathFile {
  readonly where: string;
  /** A descriptor of our own on it, O_PATH will do where no content is needed. */
  readonly own: number;
  readonly stat: BigIntStats;
  readonly link: string;
  readonly mountId: number;
  readonly flags: number;
  readonly pos: bigint;
  readonly fown: FownEntry;
}

/** An open file as a {@link PathFile}. */
export function pathFileOf(context: DumpContext, file: OpenFile): PathFile {
  const { where, own, stat, link, flags, info } = file;
  const fown = dumpOwner(context, file);
  return { where, own, stat, link, mountId: info.mountId, flags, pos: info.pos, fown };
}

/**
 * A file by its path: regular files, directories, harmless devices, O_PATH files of every type, FIFOs'
 * and sockets' names. Refuses what could not be found again.
 */
export function dumpRegular(
  context: DumpContext,
  ghosts: Ghosts,
  file: PathFile,
  id: number,
): RegFileEntry | undefined {
  const type = Number(file.stat.mode) & S_IF.mask;
  const problem = deviceProblem(file, type) ?? locate(context, ghosts, file, id);
  if (problem !== undefined) {
    if (problem !== '') context.refusals.add(file.where, problem);
    return undefined;
  }
  const directory = type === S_IF.dir ? O.directory : 0;
  return {
    id,
    flags: (file.flags & (REOPENABLE | O.async)) | directory,
    pos: file.pos,
    fown: file.fown,
    name: withoutDeletedIf(file, file.stat.nlink === 0n),
    mnt_id: file.mountId,
    size: type === S_IF.reg ? file.stat.size : 0n,
    mode: Number(file.stat.mode),
    build_id: [],
  };
}

function withoutDeletedIf(file: PathFile, deleted: boolean): string {
  return deleted ? withoutDeleted(file.link) : file.link;
}

function deviceProblem(file: PathFile, type: number): string | undefined {
  if (file.flags & O.path) return undefined;
  if (type === S_IF.blk) return `block device ${file.link} cannot be restored`;
  if (type !== S_IF.chr) return undefined;
  const { rdev } = file.stat;
  if (terminalEnd(type, Number(rdev)) !== undefined) return undefined;
  const major = Number((rdev >> 8n) & 0xfffn);
  const minor = Number((rdev & 0xffn) | ((rdev >> 12n) & 0xfff00n));
  if (major === 1 && STATELESS_DEVICES.has(minor)) return undefined;
  if (major === 4 || major === 5) return `terminal ${file.link} is the host's; remedy: close it`;
  return `device ${file.link} (${String(major)}:${String(minor)}) holds state that cannot be restored`;
}

/** Undefined when the file can be found again; otherwise why not ('' when that has been told already). */
function locate(
  context: DumpContext,
  ghosts: Ghosts,
  file: PathFile,
  id: number,
): string | undefined {
  const mount = context.mounts.get(file.mountId);
  if (!mount) return `${file.link} is no file of a mount of the container; remedy: close it`;
  if (leadsTo(context.init.pid, file.link, file.stat)) return undefined;
  const type = Number(file.stat.mode) & S_IF.mask;
  if (opensLate(mount)) return `${file.link} is gone: its process has ended; remedy: close it`;
  if (file.stat.nlink > 0n && type !== S_IF.dir) {
    return `${file.link} was removed, hidden or renamed over while other links to it remain`;
  }
  if (type === S_IF.dir) return `directory ${file.link} was removed or is hidden by a mount`;
  if (type !== S_IF.reg && type !== S_IF.fifo) return `${file.link} was removed`;
  const ghost = ghosts.dump(file.own, file.stat, file.where);
  if (ghost === undefined) return '';
  context.image.remaps.push({ orig_id: id, remap_id: ghost, remap_type: 'GHOST' });
  return undefined;
}

/** Opens where a link of /proc leads and describes it; the caller closes `own`. */
export function pathFileOfLink(path: string, where: string, flags: number): PathFile {
  const own = openOwn(path, O.path);
  try {
    const stat = fstatSync(own, { bigint: true });
    const mountId = readFdinfo(process.pid, own).mountId;
    return { where, own, stat, link: ownLink(own), mountId, flags, pos: 0n, fown: noOwner() };
  } catch (error) {
    closeFd(own);
    throw error;
  }
}

/** Whether the file behind a link of /proc/PID/map_files was opened for writing. */
export function linkIsWritable(path: string): boolean {
  return (lstatSync(path).mode & 0o200) !== 0;
}
