// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { basename, dirname } from 'node:path';
import { badImage } from '../../../common/errors.js';
import { SYS } from '../../../native/sys.js';
import type { UnixSkEntry } from '../../image/types.js';
import type { PlanData, Slot } from '../../plan/builder.js';
import { decodeBytes } from '../../procfs/bytes.js';
import { AF, AT_SYMLINK_NOFOLLOW, NR } from './abi.js';
import type { Folders } from './folders.js';
import type { Stage } from './stage.js';
import { cPath } from './system.js';

const FILE_MODE = 0o777;

/** Where the file of a socket lies. */
interface Place {
  readonly folder: string;
  readonly name: string;
}

/** A socket that a name is given to, and its number. */
interface NamedSocket {
  readonly entry: UnixSkEntry;
  readonly number: number;
}

/** Binds unix sockets to their names, and connects to names. */
export class UnixNames {
  readonly #stage: Stage;
  readonly #folders: Folders;
  readonly #umask: Slot;
  /** Names that are in use, as paths. */
  readonly #taken = new Set<string>();
  /** The name for the time being of sockets whose own name was removed. */
  readonly #hidden = new Map<UnixSkEntry, string>();

  constructor(stage: Stage, folders: Folders) {
    this.#stage = stage;
    this.#folders = folders;
    this.#umask = stage.builder.slot();
  }

  /** Gives a socket its name, if it has one, in the place of any file of that name. */
  bind({ entry, number }: NamedSocket): void {
    if (isUnnamed(entry)) return;
    const place = placeOf(entry);
    const what = `${words(entry)}: bind`;
    if (!place) {
      this.#atAddress(entry.name, what, SYS.bind, number);
      return;
    }
    const { id, file_perms: perms, mvas_folder: followed } = entry;
    const folder = this.#folders.open(id, place.folder);
    const name = this.#data(place.name);
    this.#stage.attempt(`remove ${spell(place)}`, SYS.unlinkat, [folder, name, 0]);
    const hasEntered = this.#enterOwn(entry, what);
    if (followed !== undefined) {
      const spoken = dirname(spokenName(entry));
      this.#folders.expect(
        `${words(entry)}: its folder is not ${followed} any more`,
        folder,
        spoken,
      );
    }
    const mode = (perms?.mode ?? FILE_MODE) & FILE_MODE;
    const umask = [~mode & FILE_MODE];
    this.#stage.sequence.syscall(what, SYS.umask, umask, { store: this.#umask });
    this.#atAddress(entry.name, what, SYS.bind, number);
    this.#stage.run(what, SYS.umask, [this.#umask]);
    if (hasEntered) this.#leave(what);
    if (perms) this.#permit(entry, [folder, name]);
    if (entry.deleted) this.#hide(entry, place, folder);
    else this.#taken.add(spell(place));
  }

  /** Connects to the name of a socket, wherever its file is now. */
  connect(named: UnixSkEntry, what: string, number: number): void {
    const place = placeOf(named);
    if (!place) {
      this.#atAddress(named.name, what, SYS.connect, number);
      return;
    }
    const name = this.#hidden.get(named) ?? place.name;
    this.#stage.run(what, SYS.fchdir, [this.#folders.open(named.id, place.folder)]);
    this.#atAddress(cPath(name), what, SYS.connect, number);
    this.#leave(what);
  }

  /** Removes the file of a socket whose name was removed. */
  finish(entry: UnixSkEntry): void {
    const hidden = this.#hidden.get(entry);
    const place = placeOf(entry);
    if (hidden === undefined || !place) return;
    const folder = this.#folders.open(entry.id, place.folder);
    this.#stage.run(`remove ${hidden}`, SYS.unlinkat, [folder, this.#data(hidden), 0]);
  }

  /** Enters the folder that a relative name was bound in. */
  #enterOwn(entry: UnixSkEntry, what: string): boolean {
    if (entry.name_dir === undefined) return false;
    this.#stage.run(what, SYS.fchdir, [this.#folders.open(entry.id, entry.name_dir)]);
    return true;
  }

  #leave(what: string): void {
    this.#stage.run(what, SYS.chdir, [this.#stage.builder.string('/')]);
  }

  /**
   * Owner, and those bits of the mode that no umask gives: where fchmodat2(2) is missing, a default ACL
   * of the folder may leave others. The file must be where it was made, or this fails.
   */
  #permit(entry: UnixSkEntry, at: readonly [folder: number, name: PlanData]): void {
    const what = `${words(entry)}: permissions`;
    const { mode = 0, uid = 0, gid = 0 } = entry.file_perms ?? {};
    this.#stage.run(what, SYS.fchownat, [...at, uid, gid, AT_SYMLINK_NOFOLLOW]);
    this.#stage.attempt(what, NR.fchmodat2, [...at, mode & 0o7777, AT_SYMLINK_NOFOLLOW]);
  }

  /**
   * Takes the name of a socket away whose file was removed, so that another may have it. Connecting
   * goes on by a name nobody can guess; the address that peers see stays the bound one.
   */
  #hide(entry: UnixSkEntry, place: Place, folder: number): void {
    if (this.#taken.has(spell(place))) {
      badImage(`${words(entry)}: removed, but its name is in use`);
    }
    const hidden = `.mvas-${randomBytes(12).toString('hex')}`;
    this.#hidden.set(entry, hidden);
    const args = [folder, this.#data(place.name), folder, this.#data(hidden), 0];
    this.#stage.run(`${words(entry)}: hide`, NR.renameat2, args);
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
function spokenName({ name }: UnixSkEntry): string {
  return decodeBytes(name).replace(/\0.*$/s, '');
}

/** Where the file of a socket is made; undefined for abstract names. */
function placeOf(entry: UnixSkEntry): Place | undefined {
  if (entry.name.length === 0 || entry.name[0] === 0) return undefined;
  const path = absoluteName(entry);
  return { folder: entry.mvas_folder ?? dirname(path), name: basename(path) };
}

/** The path in the address of a socket, below the folder it was bound in where it is relative. */
export function absoluteName(entry: UnixSkEntry): string {
  const name = spokenName(entry);
  if (name.startsWith('/')) return name;
  const folder = entry.name_dir ?? '/';
  return folder === '/' ? `/${name}` : `${folder}/${name}`;
}

function spell({ folder, name }: Place): string {
  return folder === '/' ? `/${name}` : `${folder}/${name}`;
}

/** What an error message calls a socket. */
export function words(entry: UnixSkEntry): string {
  const name = decodeBytes(entry.name)
    .replace(/(?<=.)\0+$/s, '')
    .replaceAll('\0', '@');
  return `file ${String(entry.id)}: unix socket ${name}`.trimEnd();
}
