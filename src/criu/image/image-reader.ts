// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
} from 'node:fs';
import { badImage, ShimError } from '../../common/errors.js';
import {
  decodeImage,
  decodePagemap,
  type DecodeLimits,
  type EntryOf,
  type Pagemap,
} from './codec.js';
import { attemptSync, codeOf } from './fs-errors.js';
import {
  IMAGE_VERSION,
  imageFileName,
  kindInfo,
  MAX_ENTRIES_BYTES,
  MAX_PAYLOAD_BYTES,
  parseImageFileName,
  type EntryKind,
  type ImageKind,
  type PagemapKind,
  type RawKind,
} from './header.js';
import type { SeenMessages } from '../../common/wire/decoder.js';
import { decodePart } from './part-codec.js';
import type { PartInfo } from './parts.js';
import type { InventoryEntry } from './types.js';
import {
  MAX_VAS_REFERENCE_BYTES,
  parseVasReference,
  VAS_REFERENCE_FILE,
  type VasReference,
} from './vas-reference.js';

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY } = constants;

/** Limit for the metadata that one reader reads from all files together, in bytes. */
const MAX_TOTAL_BYTES = 2 * MAX_PAYLOAD_BYTES;
/** Limit for the bytes that a digest covers. */
const MAX_DIGEST_BYTES = 1024 * 1024 * 1024;
/** Limit for the files of a directory. */
const MAX_FILES = 200_000;

/** How much a directory of images contains. */
export interface ImageSize {
  readonly files: number;
  readonly bytes: number;
}

/**
 * Reads the files of a checkpoint. The directory is not trusted: names are looked up beneath its open descriptor,
 * only regular files are read, never through a symbolic link, and sizes are limited. Each file is read once, so
 * {@link digest} covers what was decoded. Reading is synchronous: the files are many and small, and in the page
 * cache. Errors of all readers: ShimError `dataLoss` for anything that no checkpoint wrote, `notFound` for a
 * missing file. Close it after use.
 */
export class ImageReader {
  /** The inventory; it is read when the reader is created. */
  readonly inventory: InventoryEntry;
  /** Names of all files in the directory, ours and others. */
  readonly names: ReadonlySet<string>;
  readonly #path: string;
  readonly #directory: number;
  readonly #limits: DecodeLimits;
  readonly #loaded: Map<string, Buffer>;
  readonly #seen: SeenMessages = new Map();
  #bytesLeft = MAX_TOTAL_BYTES;
  #ids: ReadonlyMap<ImageKind, readonly number[]> | undefined;

  private constructor(source: Opened, inventory: InventoryEntry, limits: DecodeLimits) {
    this.#path = source.path;
    this.#directory = source.directory;
    this.names = source.names;
    this.#loaded = source.loaded;
    this.inventory = inventory;
    this.#limits = limits;
  }

  /**
   * Opens a checkpoint. What is `known` of the content of its files is not read again.
   *
   * @throws ShimError `invalidArgument` if `path` is not a directory with an inventory, `dataLoss` if the inventory
   * is invalid or of a version other than CRIU 4's
   */
  static open(
    path: string,
    limits: DecodeLimits = {},
    known: ReadonlyMap<string, Uint8Array> = new Map(),
  ): ImageReader {
    const directory = openDirectory(path);
    try {
      const names = attemptSync(`list ${path}`, () => readdirSync(beneath(directory, '')));
      if (names.length > MAX_FILES) badImage(`read checkpoint ${path}: too many files`);
      const loaded = new Map([...known].map(([name, bytes]) => [name, bufferOf(bytes)]));
      const source = { path, directory, names: new Set(names), loaded };
      return new ImageReader(source, readInventory(source, limits), limits);
    } catch (error) {
      closeSync(directory);
      throw error;
    }
  }

  /** Closes the directory. */
  close(): void {
    closeSync(this.#directory);
  }

  /** Whether a file exists. */
  has(kind: ImageKind, id?: number | bigint): boolean {
    return this.names.has(imageFileName(kind, id));
  }

  /** The ids for which there is a file of this kind, in ascending order. */
  ids(kind: ImageKind): readonly number[] {
    this.#ids ??= idsOf(this.names);
    return this.#ids.get(kind) ?? [];
  }

  /** All entries of a file of messages. */
  read<K extends EntryKind>(kind: K, id?: number | bigint): EntryOf<K>[] {
    const [bytes, limits] = this.#load(kind, id);
    return decodeImage(kind, bytes, limits);
  }

  /** All entries of a file, or none if the file is missing: CRIU leaves out empty files. */
  readIfAny<K extends EntryKind>(kind: K, id?: number | bigint): EntryOf<K>[] {
    return this.has(kind, id) ? this.read(kind, id) : [];
  }

  /** A file of a part. */
  readPart(part: PartInfo, id?: number): unknown {
    const [bytes, limits] = this.#load(part.kind, id);
    return decodePart(part, bytes, limits);
  }

  /** A pagemap. */
  readPagemap(kind: PagemapKind, id: number | bigint): Pagemap {
    const [bytes, limits] = this.#load(kind, id);
    return decodePagemap(kind, bytes, limits);
  }

  /** Where the memory is; undefined for an image without a VAS, such as CRIU's own. */
  vasReference(): VasReference | undefined {
    if (!this.names.has(VAS_REFERENCE_FILE)) return undefined;
    const bytes = this.#bytesOf(VAS_REFERENCE_FILE, MAX_VAS_REFERENCE_BYTES);
    return parseVasReference(bytes.toString('utf8'));
  }

  /** A file that is not in the format, of at most `most` bytes. */
  readRaw(kind: RawKind, id: number, most: number): Buffer {
    return this.#bytesOf(imageFileName(kind, id), most);
  }

  /**
   * Whether the directory contains as much as it did when it was written. Checked before anything is read, since
   * reading takes as much memory and time as the directory is large. Looks at no more files than there were then.
   */
  hasSize({ files, bytes }: ImageSize): boolean {
    return this.names.size === files && this.size().bytes === bytes;
  }

  /** How much there is. Only regular files count, since only these are read. */
  size(): ImageSize {
    let bytes = 0;
    for (const name of this.names) {
      const known = this.#loaded.get(name);
      if (known) {
        bytes += known.length;
        continue;
      }
      const stats = attemptSync(`look at ${name}`, () =>
        lstatSync(beneath(this.#directory, name), { throwIfNoEntry: false }),
      );
      if (stats?.isFile()) bytes += stats.size;
    }
    return { files: this.names.size, bytes };
  }

  /**
   * SHA-256 over names, sizes and contents of all files of the directory, in order of their names. The VAS's own
   * record has it too: so an image that is not byte for byte what a checkpoint wrote on this host is not used with
   * the memory. Reads at most `most` bytes.
   */
  digest(most = MAX_DIGEST_BYTES): string {
    const hash = createHash('sha256');
    let room = Math.min(most, MAX_DIGEST_BYTES);
    for (const name of [...this.names].sort()) {
      const bytes = this.#bytesOf(name, room);
      room -= bytes.length;
      hash.update(`${String(Buffer.byteLength(name))} ${name} ${String(bytes.length)}\n`);
      hash.update(bytes);
    }
    return hash.digest('hex');
  }

  #load(kind: ImageKind, id?: number | bigint): [Buffer, DecodeLimits] {
    const name = imageFileName(kind, id);
    const most = Math.min(largest(kind, this.#limits), this.#bytesLeft);
    const bytes = this.#bytesOf(name, most);
    this.#bytesLeft -= bytes.length;
    const source = `${this.#path}/${name}`;
    return [bytes, { ...this.#limits, seen: this.#seen, source }];
  }

  #bytesOf(name: string, most: number): Buffer {
    const bytes = this.#loaded.get(name) ?? readRegular(this.#directory, name, most);
    this.#loaded.set(name, bytes);
    return bytes;
  }
}

/** Ids of the files of each kind, in ascending order. */
function idsOf(names: Iterable<string>): ReadonlyMap<ImageKind, readonly number[]> {
  const all = new Map<ImageKind, number[]>();
  for (const name of names) {
    const { kind, id } = parseImageFileName(name) ?? {};
    if (kind === undefined || id === undefined) continue;
    const ids = all.get(kind);
    if (ids) ids.push(Number(id));
    else all.set(kind, [Number(id)]);
  }
  for (const ids of all.values()) ids.sort((a, b) => a - b);
  return all;
}

interface Opened {
  readonly path: string;
  readonly directory: number;
  readonly names: ReadonlySet<string>;
  readonly loaded: Map<string, Buffer>;
}

function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

function openDirectory(path: string): number {
  try {
    return openSync(path, O_RDONLY | O_DIRECTORY);
  } catch (error) {
    const why = `read checkpoint ${path}: ${codeOf(error)}`;
    throw new ShimError('invalidArgument', why, { cause: error });
  }
}

function readInventory(source: Opened, limits: DecodeLimits): InventoryEntry {
  const name = imageFileName('inventory');
  if (!source.names.has(name)) {
    const why = `${source.path} is not a complete checkpoint: it has no ${name}`;
    throw new ShimError('invalidArgument', why);
  }
  const bytes = readRegular(source.directory, name, largest('inventory', limits));
  source.loaded.set(name, bytes);
  const [entry] = decodeImage('inventory', bytes, { ...limits, source: `${source.path}/${name}` });
  if (entry?.img_version !== IMAGE_VERSION) {
    badImage(`read checkpoint ${source.path}: image version ${String(entry?.img_version)}`);
  }
  return entry;
}

function largest(kind: ImageKind, limits: DecodeLimits): number {
  const { layout } = kindInfo(kind);
  const usual = layout === 'payload' || layout === 'ghost' ? MAX_PAYLOAD_BYTES : MAX_ENTRIES_BYTES;
  return limits.maxBytes ?? usual;
}

/**
 * Reads a whole file, opened without following a link and without waiting on a FIFO (open(2): a link gives ELOOP, a
 * socket ENXIO). Limited to the size that fstat reported, even if the file grows meanwhile.
 */
function readRegular(directory: number, name: string, most: number): Buffer {
  const flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
  const file = attemptSync(`open ${name}`, () => openFile(beneath(directory, name), name, flags));
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) badImage(`read ${name}: not a regular file`);
    if (stats.size > most) {
      badImage(`read ${name}: ${String(stats.size)} bytes, more than such a file may have`);
    }
    const buffer = Buffer.allocUnsafe(stats.size);
    let length = 0;
    while (length < stats.size) {
      const got = readSync(file, buffer, length, stats.size - length, length);
      if (got === 0) break;
      length += got;
    }
    return buffer.subarray(0, length);
  } finally {
    closeSync(file);
  }
}

function openFile(path: string, name: string, flags: number): number {
  try {
    return openSync(path, flags);
  } catch (error) {
    if (['ELOOP', 'ENXIO'].includes(codeOf(error))) badImage(`read ${name}: not a regular file`);
    if (codeOf(error) === 'ENOENT') badImage(`read ${name}: the file is missing`);
    throw error;
  }
}

function beneath(directory: number, name: string): string {
  return `/proc/self/fd/${String(directory)}/${name}`;
}
