// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../../common/errors.js';
import type {
  FdinfoEntry,
  FileEntry,
  FownEntry,
  MemfdInodeEntry,
  RegFileEntry,
} from '../../image/types.js';
import type { MountInfo } from '../../procfs/mountinfo.js';
import { O } from './abi.js';
import { mountOf, opensLate } from './names/container-path.js';
import type { FilesImage } from './files-image.js';

/** Numbers of descriptors beyond any limit that a system has. */
const MAX_FD = 1 << 20;
const MAX_FILES = 200_000;

/** Staged descriptors have numbers from here at least: what a restorer itself has open lies below. */
const LEAST_BASE = 200;

/** When a file of the image can be opened. */
export type OpeningTime = 'early' | 'forked' | 'late';

/** What all kinds of files have in common. */
export interface CommonFile {
  readonly flags: number;
  readonly fown: FownEntry;
}

/** A checked view of a {@link FilesImage}: every reference resolves, every number is bounded. */
export class ImageIndex {
  readonly image: FilesImage;
  /** By id. */
  readonly files: ReadonlyMap<number, FileEntry>;
  readonly memfds: ReadonlyMap<number, MemfdInodeEntry>;
  /** Remap id of a file that has no name. */
  readonly remaps: ReadonlyMap<number, number>;
  /** The process that acts for each descriptor table. */
  readonly owners: ReadonlyMap<number, number>;
  /** Higher than every descriptor of the image. */
  readonly base: number;
  /** Of the new container. */
  readonly mounts: readonly MountInfo[];
  readonly #tableOfFile = new Map<number, number>();

  constructor(image: FilesImage, mounts: readonly MountInfo[]) {
    if (image.files.length > MAX_FILES) badImage('too many open files');
    this.image = image;
    this.mounts = mounts;
    this.files = new Map(image.files.map((file) => [file.id, file]));
    if (this.files.size !== image.files.length) badImage('two open files have one id');
    this.memfds = new Map(image.memfds.map((inode) => [Number(inode.inode_id), inode]));
    this.remaps = new Map(image.remaps.map(({ orig_id: file, remap_id: ghost }) => [file, ghost]));
    this.owners = this.#findOwners();
    this.base = this.#findBase();
  }

  /** The file with an id. Throws ShimError `dataLoss` when there is none. */
  file(id: number): FileEntry {
    return this.files.get(id) ?? badImage(`there is no open file ${String(id)}`);
  }

  /** Descriptors of the table that a process acts for; undefined when another process does. */
  descriptorsOf(nsPid: number): readonly FdinfoEntry[] | undefined {
    const table = this.image.tables.get(nsPid);
    if (table === undefined) badImage(`pid ${String(nsPid)} has no descriptor table`);
    return this.owners.get(table) === nsPid ? (this.image.fdinfo.get(table) ?? []) : undefined;
  }

  /** Whether a process is the one that does what is to be done once for an open file. */
  actsFor(nsPid: number, fileId: number): boolean {
    const table = this.#tableOfFile.get(fileId);
    return table !== undefined && this.owners.get(table) === nsPid;
  }

  /** Whether any process has a descriptor of a file. */
  isPlaced(fileId: number): boolean {
    return this.#tableOfFile.has(fileId);
  }

  /** Files of /proc and the like are opened late, pidfds when their processes exist. */
  timeOf(file: FileEntry): OpeningTime {
    if (file.mvas_stdio !== undefined) return 'early';
    if (file.type === 'PIDFD') return 'forked';
    return file.type === 'REG' && file.reg && this.isLate(file.reg) ? 'late' : 'early';
  }

  /** Whether a path lies in a file system whose files act with their opener's rights. */
  isLate(entry: RegFileEntry): boolean {
    const mount = mountOf(this.mounts, entry.name);
    return mount !== undefined && opensLate(mount);
  }

  #findOwners(): ReadonlyMap<number, number> {
    const owners = new Map<number, number>();
    for (const [nsPid, table] of this.image.tables) {
      if (owners.has(table)) continue;
      owners.set(table, nsPid);
      for (const { id } of this.image.fdinfo.get(table) ?? []) {
        if (!this.#tableOfFile.has(id)) this.#tableOfFile.set(id, table);
      }
    }
    return owners;
  }

  #findBase(): number {
    let base = LEAST_BASE;
    const cover = (fd: number): void => {
      if (!Number.isInteger(fd) || fd < 0 || fd >= MAX_FD) badImage(`no such fd: ${String(fd)}`);
      base = Math.max(base, fd + 1);
    };
    for (const descriptors of this.image.fdinfo.values()) {
      const numbers = new Set(descriptors.map(({ fd }) => fd));
      if (numbers.size !== descriptors.length) badImage('a table has a descriptor twice');
      for (const { id, fd } of descriptors) {
        this.file(id);
        cover(fd);
      }
    }
    for (const { epfd } of this.image.files) {
      for (const { id, tfd } of epfd?.tfd ?? []) {
        this.file(id);
        cover(tfd);
      }
    }
    return base;
  }
}

/** The one body of a file that its type names. Throws ShimError `dataLoss` when it is missing. */
export function bodyOf<K extends keyof FileEntry>(
  file: FileEntry,
  field: K,
): NonNullable<FileEntry[K]> {
  return file[field] ?? badImage(`file ${String(file.id)}: ${file.type} without its fields`);
}

/** Flags and owner of a file of any kind; undefined for kinds without. */
export function commonOf(file: FileEntry): CommonFile | undefined {
  if (file.type === 'FIFO') return undefined;
  const { reg, pipe, usk, isk, nlsk, efd, epfd, sgfd, tfd, ify, memfd, pidfd, tty } = file;
  const bodies = [reg, pipe, usk, isk, nlsk, efd, epfd, sgfd, tfd, ify, memfd, pidfd, tty];
  return bodies.find((body) => body !== undefined);
}

/** Flags of the file behind an end of a FIFO are those of its path's entry. */
export function accessOf(file: FileEntry): number {
  return (commonOf(file)?.flags ?? 0) & O.accessMode;
}
