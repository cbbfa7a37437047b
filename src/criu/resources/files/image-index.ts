// SPDX-License-Identifier: Apache-2.0
import type { NsPid } from '../../../common/ids.js';
import { badImage } from '../../../common/errors.js';
import { bodyOf, type BodyField, type BodyOf, type EntryKind } from '../../image/entry-kind.js';
import type {
  FdinfoEntry,
  FdTypes,
  FileEntry,
  FownEntry,
  RegFileEntry,
} from '../../image/types.js';
import type { Valid } from '../../image/validate.js';
import type { FilesImage } from './files-image.js';
import type { MountFacts } from './names/mount-facts.js';

/** The lowest number of a staged descriptor: a restorer's own descriptors are below. */
const LEAST_BASE = 200;

/**
 * When a file of the image can be opened: in PID 1 before it forks, once all processes exist, or after the drop of
 * privileges.
 */
export type OpeningTime = 'early' | 'forked' | 'late';

/** Flags and owner, which files of all kinds have. */
export interface CommonFile {
  readonly flags: number;
  readonly fown: FownEntry;
}

/** What the index asks a kind of files. */
export interface IndexedKind<F extends BodyField = BodyField> extends EntryKind<F> {
  /** By default `early`. */
  time?(body: BodyOf<F>, index: ImageIndex): OpeningTime;
  /** Id of the entry of its path, which is not opened by itself. */
  nameOf?(body: BodyOf<F>): number | undefined;
  /** Numbers of descriptors that are needed for a moment, and the files that they refer to. */
  needs?(body: BodyOf<F>): readonly { readonly id: number; readonly fd: number }[];
  /** By default, those of the body. */
  common?(body: BodyOf<F>, index: ImageIndex): CommonFile | undefined;
}

/** The descriptors of a table whose files are not opened in PID 1. */
export type LaterDescriptors = Readonly<Record<'forked' | 'late', readonly FdinfoEntry[]>>;

/** A view of the files of an image. */
export class ImageIndex {
  readonly image: Valid<FilesImage>;
  /** By id. */
  readonly files: ReadonlyMap<number, FileEntry>;
  /** Remap id of a file that has no name. */
  readonly remaps: ReadonlyMap<number, number>;
  /** The process that acts for each descriptor table. */
  readonly owners: ReadonlyMap<number, NsPid>;
  /** Higher than every descriptor of the image. */
  readonly base: number;
  /** The stdio of the new container. */
  readonly mounts: MountFacts;
  readonly #kinds: ReadonlyMap<FdTypes, IndexedKind>;
  readonly #byType = new Map<FdTypes, FileEntry[]>();
  readonly #names = new Set<number>();
  readonly #times = new Map<number, OpeningTime>();
  /** By table. */
  readonly #later = new Map<readonly FdinfoEntry[], LaterDescriptors>();
  readonly #tableOfFile = new Map<number, number>();
  readonly #carrier: NsPid | undefined;

  constructor(image: Valid<FilesImage>, mounts: MountFacts, kinds: readonly IndexedKind[]) {
    this.image = image;
    this.mounts = mounts;
    this.#kinds = new Map(kinds.map((kind) => [kind.type, kind]));
    this.files = new Map(image.files.map((file) => [file.id, file]));
    this.remaps = new Map(image.remaps.map(({ orig_id: file, remap_id: ghost }) => [file, ghost]));
    this.owners = this.#findOwners();
    [this.#carrier] = this.owners.values();
    this.base = this.#findBase();
  }

  /** The file with an id. Throws ShimError `dataLoss` if there is none. */
  file(id: number): FileEntry {
    return this.files.get(id) ?? badImage(`there is no open file ${String(id)}`);
  }

  /** All files of a type. */
  filesOf(type: FdTypes): readonly FileEntry[] {
    return this.#byType.get(type) ?? [];
  }

  /** Descriptors of the table that a process acts for; undefined if another process does. */
  descriptorsOf(nsPid: NsPid): readonly FdinfoEntry[] | undefined {
    const table = this.image.tables.get(nsPid);
    if (table === undefined) badImage(`pid ${String(nsPid)} has no descriptor table`);
    return this.owners.get(table) === nsPid ? (this.image.fdinfo.get(table) ?? []) : undefined;
  }

  /** Whether a process is the one that does what has to be done once for an open file. */
  actsFor(nsPid: NsPid, fileId: number): boolean {
    const table = this.#tableOfFile.get(fileId);
    return (table === undefined ? this.#carrier : this.owners.get(table)) === nsPid;
  }

  /** The process that acts for everything that no table has. */
  get carrier(): NsPid {
    return this.#carrier ?? badImage('there is no descriptor table');
  }

  /** Whether any process has a descriptor of a file. */
  isPlaced(fileId: number): boolean {
    return this.#tableOfFile.has(fileId);
  }

  /** Whether an entry is only the name of another file, which is opened by it. */
  isName(fileId: number): boolean {
    return this.#names.has(fileId);
  }

  timeOf(file: FileEntry): OpeningTime {
    const known = this.#times.get(file.id);
    if (known !== undefined) return known;
    const time = this.#findTime(file);
    this.#times.set(file.id, time);
    return time;
  }

  /** Those of a table whose files are opened later. */
  laterOf(descriptors: readonly FdinfoEntry[]): LaterDescriptors {
    const known = this.#later.get(descriptors);
    if (known) return known;
    const later = { forked: [] as FdinfoEntry[], late: [] as FdinfoEntry[] };
    descriptors.forEach((one) => {
      const time = this.timeOf(this.file(one.id));
      if (time !== 'early') later[time].push(one);
    });
    this.#later.set(descriptors, later);
    return later;
  }

  /** Flags and owner of a file; undefined for kinds that have none. */
  commonOf(file: FileEntry): CommonFile | undefined {
    const kind = this.#kindOf(file);
    const body = bodyOf(file, kind.body);
    if (kind.common) return kind.common(body, this);
    return 'fown' in body && 'flags' in body ? body : undefined;
  }

  /** Whether a path lies in a file system whose files act with their opener's rights. */
  isLate(entry: RegFileEntry): boolean {
    return this.mounts.isLate(entry.name);
  }

  #findTime(file: FileEntry): OpeningTime {
    if (file.mvas_stdio !== undefined) return 'early';
    const kind = this.#kindOf(file);
    return kind.time?.(bodyOf(file, kind.body), this) ?? 'early';
  }

  #findOwners(): ReadonlyMap<number, NsPid> {
    const owners = new Map<number, NsPid>();
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
    const cover = ({ fd }: { readonly fd: number }): void => {
      base = Math.max(base, fd + 1);
    };
    for (const descriptors of this.image.fdinfo.values()) descriptors.forEach(cover);
    for (const file of this.image.files) this.#addFile(file).forEach(cover);
    return base;
  }

  /** What a file needs. */
  #addFile(file: FileEntry): readonly { readonly id: number; readonly fd: number }[] {
    const kind = this.#kindOf(file);
    const body = bodyOf(file, kind.body);
    const others = this.#byType.get(file.type);
    if (others) others.push(file);
    else this.#byType.set(file.type, [file]);
    const name = kind.nameOf?.(body);
    if (name !== undefined) this.#names.add(name);
    return kind.needs?.(body) ?? [];
  }

  #kindOf({ id, type }: FileEntry): IndexedKind {
    const kind = this.#kinds.get(type);
    return kind ?? badImage(`file ${String(id)}: files of kind ${type} are not restored`);
  }
}
