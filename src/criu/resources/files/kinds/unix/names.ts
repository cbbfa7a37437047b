// SPDX-License-Identifier: Apache-2.0
import { basename, dirname } from 'node:path';
import { SYS } from '../../../../../native/sys.js';
import type { UnixSkEntry } from '../../../../image/types.js';
import type { PlanData, Slot } from '../../../../plan/values.js';
import { badImage } from '../../../../../common/errors.js';
import { decodeBytes, encodeBytes } from '../../../../../common/bytes.js';
import { AF, AT_SYMLINK_NOFOLLOW } from '../../../../../native/abi/index.js';
import type { Folders } from '../../names/folders.js';
import { ScratchFolder } from '../../names/scratch-folder.js';
import type { Stage } from '../../stage.js';
import { cPath } from '../../system.js';

const FILE_MODE = 0o777;
/** Most bytes of a path in an address (unix(7)). */
const MAX_PATH = 107;

/** Where the file of a socket lies. */
interface Place {
  readonly folder: string;
  readonly name: string;
}

/** A name that a socket has while nobody looks, and for a path the folder that it leads to. */
export interface LentName {
  readonly name: Uint8Array;
  readonly folder?: string | undefined;
}

/** A socket that gets a name, and the number of its descriptor. */
interface NamedSocket {
  readonly entry: UnixSkEntry;
  readonly number: number;
}

/** Binds unix sockets to their names, and connects to names. */
export class UnixNames {
  readonly #stage: Stage;
  readonly #folders: Folders;
  readonly #umask: Slot;
  /** The places of those files of sockets whose names were removed. */
  readonly #scratches = new Map<UnixSkEntry, ScratchFolder>();

  constructor(stage: Stage, folders: Folders) {
    this.#stage = stage;
    this.#folders = folders;
    this.#umask = stage.builder.slot();
  }

  /** Gives a socket its name, if it has one. A file that is in the way is replaced. */
  bind(socket: NamedSocket): void {
    const { entry, number } = socket;
    if (isUnnamed(entry)) return;
    const place = placeOf(entry);
    if (!place) this.#atAddress(entry.name, `${words(entry)}: bind`, SYS.bind, number);
    else this.#bindPath(socket, place);
  }

  /**
   * Gives a socket the name that another one had, which is gone. The file of a path is removed at once: whatever has that
   * path now stays as it is.
   */
  lend({ id }: UnixSkEntry, { name, folder }: LentName, number: number): void {
    const what = `file ${String(id)}: a sender's name`;
    if (name[0] === 0) {
      this.#atAddress(name, what, SYS.bind, number);
      return;
    }
    const scratch = this.#scratchOf(id, { name, folder: folder ?? '/' }, what);
    this.#atAddress(name, what, SYS.bind, number);
    this.#leaveScratch(id, what);
    this.#stage.run(what, SYS.unlinkat, [...this.#at(scratch), 0]);
    scratch.remove();
  }

  /** The address of a socket, for who sends to it. Throws ShimError `dataLoss` if it has none that leads there. */
  addressOf(entry: UnixSkEntry): Uint8Array {
    const place = placeOf(entry);
    if (!place) return entry.name;
    const path = encodeBytes(`${place.folder}/${place.name}`);
    if (entry.deleted || path.length > MAX_PATH) badImage(`${words(entry)} cannot be reached`);
    return Buffer.concat([path, Buffer.of(0)]);
  }

  /** Connects to the name of a socket, wherever its file is now. */
  connect(named: UnixSkEntry, what: string, number: number): void {
    const place = placeOf(named);
    if (!place) {
      this.#atAddress(named.name, what, SYS.connect, number);
      return;
    }
    const scratch = this.#scratches.get(named);
    const folder = scratch?.number ?? this.#folders.open(named.id, place.folder);
    this.#stage.run(what, SYS.fchdir, [folder]);
    this.#atAddress(cPath(scratch?.path ?? place.name), what, SYS.connect, number);
    this.#leave(what);
  }

  /** Removes the file of a socket whose name was removed. */
  finish(entry: UnixSkEntry): void {
    const scratch = this.#scratches.get(entry);
    if (!scratch) return;
    this.#stage.run(`${words(entry)}: remove its file`, SYS.unlinkat, [...this.#at(scratch), 0]);
    scratch.remove();
  }

  /**
   * Binds a socket to a path. Since then, its file may have been renamed, linked or removed, and its name may now
   * belong to something else, or lead through symbolic links. So it is bound in a folder of its own, which is the
   * root folder meanwhile, and its file is moved to its place, replacing what is there.
   */
  #bindPath({ entry, number }: NamedSocket, place: Place): void {
    const what = `${words(entry)}: bind`;
    const { folder: path } = place;
    const folder = this.#folders.open(entry.id, path);
    const scratch = this.#scratchOf(entry.id, { name: entry.name, folder: path }, what);
    const umask = [~(entry.file_perms?.mode ?? FILE_MODE) & FILE_MODE];
    this.#stage.sequence.syscall(what, SYS.umask, umask, { store: this.#umask });
    this.#atAddress(entry.name, what, SYS.bind, number);
    this.#stage.run(what, SYS.umask, [this.#umask]);
    this.#leaveScratch(entry.id, what);
    this.#permit(entry, this.#at(scratch));
    if (entry.deleted) {
      this.#scratches.set(entry, scratch);
      return;
    }
    const target = [folder, this.#data(place.name)] as const;
    this.#stage.run(`${words(entry)}: rename`, SYS.renameat2, [...this.#at(scratch), ...target, 0]);
    scratch.remove();
    for (const path of entry.mvas_paths.slice(1)) this.#link(entry, target, path);
  }

  /** A folder that is the root folder until {@link #leaveScratch}; a name leads into it. */
  #scratchOf(id: number, { name, folder }: Required<LentName>, what: string): ScratchFolder {
    this.#folders.open(id, '/');
    const parent = this.#folders.open(id, folder ?? '/');
    const scratch = new ScratchFolder(this.#stage, parent, spokenName({ name }));
    this.#stage.run(what, SYS.fchdir, [scratch.number]);
    this.#stage.run(what, SYS.chroot, [this.#stage.builder.string('.')]);
    return scratch;
  }

  #leaveScratch(id: number, what: string): void {
    this.#stage.run(what, SYS.fchdir, [this.#folders.open(id, '/')]);
    this.#stage.run(what, SYS.chroot, [this.#stage.builder.string('.')]);
  }

  /** Gives the file of a socket an additional name. */
  #link(entry: UnixSkEntry, from: readonly [number, PlanData], path: string): void {
    const to = [this.#folders.open(entry.id, dirname(path)), this.#data(basename(path))] as const;
    this.#stage.attempt(`remove ${path}`, SYS.unlinkat, [...to, 0]);
    this.#stage.run(`${words(entry)}: link ${path}`, SYS.linkat, [...from, ...to, 0]);
  }

  #at({ number, path }: ScratchFolder): readonly [number, PlanData] {
    return [number, this.#data(path)];
  }

  #leave(what: string): void {
    this.#stage.run(what, SYS.chdir, [this.#stage.builder.string('/')]);
  }

  /**
   * Sets the owner, and those bits of the mode that no umask gives: where fchmodat2(2) is missing, a default ACL of
   * the folder may leave others. The file must be where it was created, otherwise this fails.
   */
  #permit(entry: UnixSkEntry, at: readonly [folder: number, name: PlanData]): void {
    if (!entry.file_perms) return;
    const what = `${words(entry)}: permissions`;
    const { mode, uid, gid } = entry.file_perms;
    this.#stage.run(what, SYS.fchownat, [...at, uid, gid, AT_SYMLINK_NOFOLLOW]);
    this.#stage.attempt(what, SYS.fchmodat2, [...at, mode & 0o7777, AT_SYMLINK_NOFOLLOW]);
  }

  /** bind(2) or connect(2) to an address. */
  #atAddress(name: Uint8Array, what: string, nr: number, number: number): void {
    const raw = Buffer.alloc(2 + name.length);
    raw.writeUInt16LE(AF.unix, 0);
    raw.set(name, 2);
    this.#stage.run(what, nr, [number, this.#stage.builder.data(raw, 2), raw.length]);
  }

  #data(name: string): PlanData {
    return this.#stage.builder.data(cPath(name), 1);
  }
}

export function isUnnamed(entry: UnixSkEntry): boolean {
  return entry.name.length === 0;
}

/** The path in the address of a socket, as it was given. */
export function spokenName({ name }: Pick<UnixSkEntry, 'name'>): string {
  return decodeBytes(name).replace(/\0.*$/s, '');
}

/** Where the file of a socket lies, or lay when it was removed; undefined for abstract names. */
function placeOf(entry: UnixSkEntry): Place | undefined {
  if (entry.name.length === 0 || entry.name[0] === 0) return undefined;
  const [now] = entry.mvas_paths;
  if (now !== undefined) return { folder: dirname(now), name: basename(now) };
  const path = absoluteName(entry);
  return { folder: entry.mvas_folder ?? dirname(path), name: basename(path) };
}

/** The path in the address of a socket, below the folder it was bound in if it is relative. */
export function absoluteName(entry: UnixSkEntry): string {
  const name = spokenName(entry);
  if (name.startsWith('/')) return name;
  const folder = entry.name_dir ?? '/';
  return folder === '/' ? `/${name}` : `${folder}/${name}`;
}

/** The name of a socket in error messages. */
export function words(entry: UnixSkEntry): string {
  const name = decodeBytes(entry.name)
    .replace(/(?<=.)\0+$/s, '')
    .replaceAll('\0', '@');
  return `file ${String(entry.id)}: unix socket ${name}`.trimEnd();
}
