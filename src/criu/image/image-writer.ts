// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:fs';
import { mkdir, open, readdir, rename, rmdir, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { ShimError } from '../../common/errors.js';
import { inBatches } from './batches.js';
import { encodeImage, encodePagemap, type EntryOf, type Pagemap } from './codec.js';
import { writeFiles } from '../../native/index.js';
import { check } from '../../native/sys.js';
import { attempt, codeOf } from './fs-errors.js';
import { imageFileName, type EntryKind, type PagemapKind, type RawKind } from './header.js';
import { encodePart } from './part-codec.js';
import type { PartInfo } from './parts.js';
import type { InventoryEntry } from './types.js';
import { formatVasReference, VAS_REFERENCE_FILE, type VasReference } from './vas-reference.js';

const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_DIRECTORY } = constants;
const INVENTORY = imageFileName('inventory');
const EEXIST = -17;
const INVENTORY_DRAFT = '.inventory.img.new';

/** How an image is committed. */
export interface CommitOptions {
  /**
   * Whether to sync all files first, so that an inventory that survives a power failure belongs to a complete
   * image. By default true; useless if the memory is in a VAS of this boot.
   */
  readonly durable?: boolean;
}

/** Files that are to be written together. */
interface Batch {
  readonly names: string[];
  readonly contents: Uint8Array[];
  readonly written: Promise<void>;
}

/**
 * Writes the files of one checkpoint into a directory: each 0600 and new, the inventory last and by rename, so a
 * directory with an inventory is complete. End with `commit` or `abort`.
 */
export class ImageWriter {
  readonly #path: string;
  readonly #directory: FileHandle;
  readonly #madeDirectory: boolean;
  readonly #names = new Set<string>();
  readonly #contents = new Map<string, Uint8Array>();
  #batch: Batch | undefined;

  private constructor(path: string, directory: FileHandle, madeDirectory: boolean) {
    this.#path = path;
    this.#directory = directory;
    this.#madeDirectory = madeDirectory;
  }

  /**
   * Opens `path` for a new checkpoint; creates the directory (0700, one level) if it is missing.
   *
   * @throws ShimError `alreadyExists` if it has files, `notFound` if its parent is missing, `permissionDenied` or
   * `invalidArgument` if it cannot be written to
   */
  static async create(path: string): Promise<ImageWriter> {
    const made = await attempt(`make ${path}`, makeDirectory(path));
    const directory = await attempt(`open ${path}`, open(path, O_RDONLY | O_DIRECTORY));
    const writer = new ImageWriter(path, directory, made);
    const names = await readdir(writer.#at(''));
    if (names.length > 0) {
      await directory.close();
      throw new ShimError(
        'alreadyExists',
        `write checkpoint to ${path}: the directory is not empty`,
      );
    }
    return writer;
  }

  /** The content of the files that were not opened by {@link openRaw}, by their names; without the inventory. */
  get contents(): ReadonlyMap<string, Uint8Array> {
    return this.#contents;
  }

  /** Writes a file of messages: `write('core', 1, [entry])`; `id` is undefined if the kind has none. */
  write<K extends Exclude<EntryKind, 'inventory'>>(
    kind: K,
    id: number | undefined,
    entries: readonly EntryOf<K>[],
  ): Promise<void> {
    return this.#put(imageFileName(kind, id), encodeImage(kind, entries));
  }

  /** Writes a file of a part; `id` is undefined if it has only one file. */
  writePart(part: PartInfo, id: number | undefined, content: unknown): Promise<void> {
    return this.#put(imageFileName(part.kind, id), encodePart(part, content));
  }

  /** Writes a pagemap. */
  writePagemap(kind: PagemapKind, id: number | bigint, pagemap: Pagemap): Promise<void> {
    return this.#put(imageFileName(kind, id), encodePagemap(kind, pagemap));
  }

  /** Writes `vas.json`. */
  writeVasReference(reference: VasReference): Promise<void> {
    return this.#put(VAS_REFERENCE_FILE, Buffer.from(formatVasReference(reference)));
  }

  /** Creates a file that is not in the format, for the caller to fill and close before `commit`. */
  openRaw(kind: RawKind, id: number): Promise<FileHandle> {
    return this.#open(imageFileName(kind, id));
  }

  /** Completes the checkpoint. On failure the caller aborts. */
  async commit(inventory: InventoryEntry, { durable = true }: CommitOptions = {}): Promise<void> {
    const what = `commit checkpoint ${this.#path}`;
    if (durable) await attempt(what, this.#sync());
    const draft = await this.#open(INVENTORY_DRAFT);
    await attempt(what, fill(draft, encodeImage('inventory', [inventory]), durable));
    this.#names.add(INVENTORY);
    await attempt(what, rename(this.#at(INVENTORY_DRAFT), this.#at(INVENTORY)));
    this.#names.delete(INVENTORY_DRAFT);
    if (durable) await attempt(what, this.#directory.sync());
    await this.#directory.close();
  }

  /**
   * Removes every file that this writer created, the inventory first, and the directory if it created that, too.
   * Does nothing after a commit. Never throws for something that is already gone.
   */
  async abort(): Promise<void> {
    if (this.#directory.fd < 0) return;
    try {
      await this.#unlinkAll((name) => this.#at(name));
    } finally {
      await this.#directory.close();
    }
    if (this.#madeDirectory) await rmdir(this.#path).catch(ignoreMissing);
  }

  /** Like `abort`, but removes a committed checkpoint, too. */
  async discard(): Promise<void> {
    if (this.#directory.fd >= 0) return this.abort();
    await this.#unlinkAll((name) => join(this.#path, name));
    if (this.#madeDirectory) await rmdir(this.#path).catch(ignoreMissing);
  }

  async #unlinkAll(at: (name: string) => string): Promise<void> {
    for (const name of [...this.#names].reverse()) await unlink(at(name)).catch(ignoreMissing);
  }

  /** Files that arrive in one turn of the event loop are written together. */
  #put(name: string, bytes: Uint8Array): Promise<void> {
    this.#batch ??= this.#newBatch();
    this.#batch.names.push(name);
    this.#batch.contents.push(bytes);
    this.#contents.set(name, bytes);
    return this.#batch.written;
  }

  #newBatch(): Batch {
    const names: string[] = [];
    const contents: Uint8Array[] = [];
    const written = Promise.resolve().then(() => {
      this.#batch = undefined;
      return this.#writeFiles(names, contents);
    });
    return { names, contents, written };
  }

  async #writeFiles(names: readonly string[], contents: readonly Uint8Array[]): Promise<void> {
    const [done = 0, error = 0] = await writeFiles(this.#directory.fd, names, contents);
    // What was there before is not ours.
    const made = error === 0 || error === EEXIST ? done : done + 1;
    for (const name of names.slice(0, made)) this.#names.add(name);
    check(`write ${join(this.#path, names[done] ?? '')}`, error);
  }

  async #open(name: string): Promise<FileHandle> {
    const flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
    const file = await attempt(
      `create ${join(this.#path, name)}`,
      open(this.#at(name), flags, 0o600),
    );
    this.#names.add(name);
    return file;
  }

  #sync(): Promise<void> {
    return inBatches(this.#names, (name) => syncFile(this.#at(name)));
  }

  /** A path below the open directory, whatever has become of its name. */
  #at(name: string): string {
    return `/proc/self/fd/${String(this.#directory.fd)}/${name}`;
  }
}

async function makeDirectory(path: string): Promise<boolean> {
  try {
    await mkdir(path, { mode: 0o700 });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

async function fill(file: FileHandle, bytes: Uint8Array, sync: boolean): Promise<void> {
  try {
    await file.writeFile(bytes);
    if (sync) await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, O_RDONLY | O_NOFOLLOW);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

function ignoreMissing(error: unknown): void {
  if (codeOf(error) !== 'ENOENT') throw ShimError.from(error);
}
