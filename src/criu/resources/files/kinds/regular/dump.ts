// SPDX-License-Identifier: Apache-2.0
import { basename, dirname, join } from 'node:path';
import { asNsTid } from '../../../../../common/ids.js';
import type { RegFileEntry } from '../../../../image/types.js';
import type { MountInfo } from '../../../../../common/procfs/mountinfo.js';
import { O, REOPENABLE, S_IF } from '../../../../../native/abi/index.js';
import { ContainerRoot, opensLate, withoutDeleted } from '../../names/container-path.js';
import type { DumpContext } from '../../dump-context.js';
import { Ghosts } from '../../deleted/ghost.js';
import type { PathFile } from '../../path-file.js';
import { terminalEnd } from '../terminal/terminal.js';

/** Minor numbers of memory devices (major 1) that hold no state: null, zero, full, random, urandom. */
const STATELESS_DEVICES: ReadonlySet<number> = new Set([3, 5, 7, 8, 9]);

/** File types that can be created again once they have no name. */
const GHOSTS: ReadonlySet<number> = new Set([S_IF.reg, S_IF.fifo, S_IF.dir]);

/** The id of the entry of a file's path; adds the entry. Undefined if it has refused the file. */
export function dumpName(context: DumpContext, file: PathFile): number | undefined {
  const id = context.nextId();
  const reg = dumpRegular(context, file, id);
  return reg && context.add({ id, type: 'REG', reg });
}

/**
 * A file by its path: regular files, directories, harmless devices, O_PATH files of every type, names of FIFOs and
 * sockets. Refuses files that could not be found again. A name that has to be searched for is filled in later.
 */
export function dumpRegular(
  context: DumpContext,
  file: PathFile,
  id: number,
): RegFileEntry | undefined {
  context.init.lookAt?.(file.where, file.link);
  const type = Number(file.stat.mode) & S_IF.mask;
  const problem = deviceProblem(file, type);
  const place = problem === undefined ? locate(context, file, id) : { problem };
  if ('problem' in place) {
    context.refusals.add(file.where, place.problem);
    return undefined;
  }
  const directory = type === S_IF.dir ? O.directory : 0;
  // Returns, of a file without a name, whether it can still be given one.
  const nameless = file.stat.nlink === 0n ? O.tmpfile : 0;
  const entry: RegFileEntry = {
    id,
    flags: (file.flags & (REOPENABLE | O.async | nameless)) | directory,
    pos: file.pos,
    fown: file.fown,
    name: 'name' in place ? place.name : '',
    mnt_id: file.mountId,
    size: type === S_IF.reg ? file.stat.size : 0n,
    mode: Number(file.stat.mode),
    build_id: [],
    ...(type === S_IF.reg && file.stat.nlink > 0n && { mvas_ino: file.stat.ino }),
  };
  if ('mount' in place) wantName(context, file, { mount: place.mount, entry });
  return entry;
}

function deviceProblem(file: PathFile, type: number): string | undefined {
  if (file.flags & O.path) return undefined;
  if (type === S_IF.blk) return `block device ${file.link} cannot be restored; remedy: close it`;
  if (type !== S_IF.chr) return undefined;
  const { rdev } = file.stat;
  if (terminalEnd(type, Number(rdev)) !== undefined) return undefined;
  const major = Number((rdev >> 8n) & 0xfffn);
  const minor = Number((rdev & 0xffn) | ((rdev >> 12n) & 0xfff00n));
  if (major === 1 && STATELESS_DEVICES.has(minor)) return undefined;
  if (major === 4 || major === 5) return `terminal ${file.link} is the host's; remedy: close it`;
  return `device ${file.link} (${String(major)}:${String(minor)}) holds state that cannot be restored; remedy: close it`;
}

/**
 * The name to open a file by, or why there is none, or the mount where it has another one.
 */
type Place = Found | { readonly mount: MountInfo };
type Found = { readonly name: string } | { readonly problem: string };

function locate(context: DumpContext, file: PathFile, id: number): Place {
  const { link, stat } = file;
  const mount = context.mounts.get(file.mountId);
  if (!mount) return { problem: `${link} is not on a mount of the container; remedy: close it` };
  if (context.shared(ContainerRoot).leadsTo(link, stat))
    return ofOthers(context, mount, link) ?? { name: link };
  const type = Number(stat.mode) & S_IF.mask;
  if (opensLate(mount))
    return { problem: `${link} is gone: its process has ended; remedy: close it` };
  if (stat.nlink > 0n) {
    if (type !== S_IF.dir) return { mount };
    if (!mayKeepLinks(mount, link)) return hidden(link);
  }
  return removed(context, file, { id, mount });
}

/** Files of /proc are there again if their process is. */
function ofOthers({ members }: DumpContext, mount: MountInfo, link: string): Found | undefined {
  if (!members || mount.fsType !== 'proc') return undefined;
  const [, id] = /^\/([0-9]+)(?:\/|$)/.exec(link.slice(mount.mountPoint.length)) ?? [];
  if (id === undefined || members.ids.has(asNsTid(Number(id)))) return undefined;
  return { problem: `${link} is of a process outside the container; remedy: close it` };
}

/** In the lower layers of an overlay, removed or replaced files keep their links (ovl_getattr()). */
function mayKeepLinks(mount: MountInfo, link: string): boolean {
  return mount.fsType === 'overlay' && withoutDeleted(link) !== link;
}

/** A file that has no name: it is kept with its content. */
function removed(
  context: DumpContext,
  { own, stat, link }: PathFile,
  { id, mount }: { readonly id: number; readonly mount: MountInfo },
): Found {
  if (!GHOSTS.has(Number(stat.mode) & S_IF.mask))
    return { problem: `${link} was removed; remedy: close it` };
  if (mount.superOptions.includes('ro')) {
    const why = 'from a file system that is read-only, where it cannot be made again';
    return { problem: `${link} was removed ${why}; remedy: close it` };
  }
  const ghost = context.shared(Ghosts).dump(own, stat);
  context.image.remaps.push({ orig_id: id, remap_id: ghost, remap_type: 'GHOST' });
  return { name: ghostName(context, withoutDeleted(link), mount.mountPoint) };
}

function hidden(link: string): Place {
  return { problem: `directory ${link} is hidden by a mount; remedy: leave it` };
}

/**
 * Starts a search for another name of a file whose own is gone; a restored process shows the other name in place of
 * the first.
 */
function wantName(
  context: DumpContext,
  file: PathFile,
  { mount, entry }: { readonly mount: MountInfo; readonly entry: RegFileEntry },
): void {
  const { names, refusals } = context;
  const { link, stat, where } = file;
  const own = isOfLowerLayer(context, file, mount) ? context.keep(file.own) : undefined;
  names.want({
    inode: stat.ino,
    mounts: [mount.mountPoint],
    near: dirname(withoutDeleted(link)),
    accepts: ({ path }) => context.shared(ContainerRoot).leadsTo(path, stat),
    settle: (name) => {
      if (name !== undefined) {
        entry.name = name;
        return;
      }
      const what = `${link} was removed, hidden or renamed over while other links to it remain`;
      const place =
        own === undefined
          ? { problem: `${what}, which cannot be found; remedy: close it` }
          : removed(context, { ...file, own }, { id: entry.id, mount });
      if ('name' in place) entry.name = place.name;
      else refusals.add(where, place.problem);
    },
  });
}

/**
 * Whether a removed file lies in a lower layer of an overlay, unless another name of it is found. A file that is
 * written to lies in the uppermost layer, whose links count.
 */
function isOfLowerLayer({ open }: DumpContext, { stat, link, flags }: PathFile, mount: MountInfo) {
  const all = [flags, ...open.ofInode(stat).map((file) => file.flags)];
  return mayKeepLinks(mount, link) && !all.some((one) => (one & O.accessMode) !== O.rdonly);
}

/** Where a removed file is created again, for a moment: beside its old name, if that directory still exists. */
function ghostName(context: DumpContext, name: string, mountPoint: string): string {
  if (context.shared(ContainerRoot).isDirectory(dirname(name))) return name;
  return join(mountPoint, basename(name));
}
