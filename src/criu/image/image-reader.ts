// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:fs';
import { open, readdir, type FileHandle } from 'node:fs/promises';
import { badImage, ShimError } from '../../common/errors.js';
import {
  decodeImage,
  decodePagemap,
  decodePayloadImage,
  type DecodeLimits,
  type EntryOf,
  type Pagemap,
  type PayloadEntry,
} from './codec.js';
import { attempt, codeOf } from './fs-errors.js';
import { decodeGhostFile, type GhostFile } from './ghost.js';
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
  type PayloadKind,
  type RawKind,
} from './header.js';
import type { InventoryEntry } from './types.js';
import {
  MAX_VAS_REFERENCE_BYTES,
  parseVasReference,
  VAS_REFERENCE_FILE,
  type VasReference,
} from './vas-reference.js';

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY } = constants;

/** Most metadata that one reader reads, all files together, in bytes. */
const MAX_TOTAL_BYTES = 2 * MAX_PAYLOAD_BYTES;
/** Most files that a directory may have. */
const MAX_FILES = 200_000;

/**
 * Reads the files of a checkpoint. The directory is not trusted: names are looked up beneath its open
 * descriptor, only regular files are read, never through a symbolic link, and sizes are bounded.
 * Errors of all readers: ShimError `dataLoss` for what no checkpoint wrote, `notFound` for a missing
 * file. Close it after use.
 */
export class ImageReader {
  /** The inventory, which has been read when the reader exists. */
  readonly inventory: InventoryEntry;
  /** Names of all files in the directory, ours and others. */
  readonly names: ReadonlySet<string>;
  readonly #path: string;
  readonly #directory: FileHandle;
  readonly #limits: DecodeLimits;
  #bytesLeft = MAX_TOTAL_BYTES;

  private constructor(source: Opened, inventory: InventoryEntry, limits: DecodeLimits) {
    this.#path = source.path;
    this.#directory = source.directory;
    this.names = source.names;
    this.inventory = inventory;
    this.#limits = limits;
  }

  /**
   * Opens a checkpoint.
   *
   * @throws ShimError `invalidArgument` when `path` is not a directory with an inventory, `dataLoss`
   * when the inventory is none or of a version other than CRIU 4's.
   */
  static async open(path: string, limits: DecodeLimits = {}): Promise<ImageReader> {
    const directory = await openDirectory(path);
    try {
      const names = await attempt(`list ${path}`, readdir(beneath(directory, '')));
      if (names.length > MAX_FILES) badImage(`read checkpoint ${path}: too many files`);
      const source = { path, directory, names: new Set(names) };
      return new ImageReader(source, await readInventory(source, limits), limits);
    } catch (error) {
      await directory.close();
      throw error;
    }
  }

  /** Closes the directory. */
  close(): Promise<void> {
    return this.#directory.close();
  }

  /** Whether a file is there. */
  has(kind: ImageKind, id?: number | bigint): boolean {
    return this.names.has(imageFileName(kind, id));
  }

  /** The ids for which there is a file of this kind, ascending. */
  ids(kind: ImageKind): number[] {
    const ids: number[] = [];
    for (const name of this.names) {
      const parsed = parseImageFileName(name);
      if (parsed?.kind === kind && parsed.id !== undefined) ids.push(Number(parsed.id));
    }
    return ids.sort((a, b) => a - b);
  }

  /** All entries of a file of messages. */
  async read<K extends EntryKind>(kind: K, id?: number | bigint): Promise<EntryOf<K>[]> {
    const [bytes, limits] = await this.#load(kind, id);
    return decodeImage(kind, bytes, limits);
  }

  /** The only entry of a file that has one. */
  async readOne<K extends EntryKind>(kind: K, id?: number | bigint): Promise<EntryOf<K>> {
    const entries = await this.read(kind, id);
    const [entry] = entries;
    if (entry === undefined || entries.length !== 1) {
      badImage(`read ${imageFileName(kind, id)}: ${String(entries.length)} entries, not one`);
    }
    return entry;
  }

  /** All entries of a file, or none where the file is missing: CRIU leaves out empty files. */
  async readIfAny<K extends EntryKind>(kind: K, id?: number | bigint): Promise<EntryOf<K>[]> {
    return this.has(kind, id) ? this.read(kind, id) : [];
  }

  /** All entries of a file with payloads, or none where the file is missing. */
  async readPayloads<K extends PayloadKind>(
    kind: K,
    id?: number | bigint,
  ): Promise<PayloadEntry<K>[]> {
    if (!this.has(kind, id)) return [];
    const [bytes, limits] = await this.#load(kind, id);
    return decodePayloadImage(kind, bytes, limits);
  }

  /** The state and the queues of a connection, by `ino` of its socket. */
  async readStream(ino: number): Promise<PayloadEntry<'tcp-stream'>> {
    const entries = await this.readPayloads('tcp-stream', ino);
    const [entry] = entries;
    if (entry === undefined || entries.length !== 1) {
      badImage(`read ${imageFileName('tcp-stream', ino)}: ${String(entries.length)} entries`);
    }
    return entry;
  }

  /** A pagemap. */
  async readPagemap(kind: PagemapKind, id: number | bigint): Promise<Pagemap> {
    const [bytes, limits] = await this.#load(kind, id);
    return decodePagemap(kind, bytes, limits);
  }

  /** A deleted file. */
  async readGhost(id: number): Promise<GhostFile> {
    const [bytes, limits] = await this.#load('ghost-file', id);
    return decodeGhostFile(bytes, limits);
  }

  /** Where the memory is; undefined for an image without a VAS, such as CRIU's own. */
  async vasReference(): Promise<VasReference | undefined> {
    if (!this.names.has(VAS_REFERENCE_FILE)) return undefined;
    const most = MAX_VAS_REFERENCE_BYTES;
    const bytes = await readRegular(this.#directory, VAS_REFERENCE_FILE, most);
    return parseVasReference(bytes.toString('utf8'));
  }

  /** Opens a file that is not in the format; the caller closes it and bounds what it reads. */
  async openRaw(kind: RawKind, id: number): Promise<FileHandle> {
    return (await openRegular(this.#directory, imageFileName(kind, id))).file;
  }

  async #load(kind: ImageKind, id?: number | bigint): Promise<[Buffer, DecodeLimits]> {
    const name = imageFileName(kind, id);
    const most = Math.min(largest(kind, this.#limits), this.#bytesLeft);
    const bytes = await readRegular(this.#directory, name, most);
    this.#bytesLeft -= bytes.length;
    return [bytes, { ...this.#limits, source: `${this.#path}/${name}` }];
  }
}

interface Opened {
  readonly path: string;
  readonly directory: FileHandle;
  readonly names: ReadonlySet<string>;
}

async function openDirectory(path: string): Promise<FileHandle> {
  try {
    return await open(path, O_RDONLY | O_DIRECTORY);
  } catch (error) {
    const why = `read checkpoint ${path}: ${codeOf(error)}`;
    throw new ShimError('invalidArgument', why, { cause: error });
  }
}

async function readInventory(source: Opened, limits: DecodeLimits): Promise<InventoryEntry> {
  const name = imageFileName('inventory');
  if (!source.names.has(name)) {
    const why = `${source.path} is not a complete checkpoint: it has no ${name}`;
    throw new ShimError('invalidArgument', why);
  }
  const bytes = await readRegular(source.directory, name, largest('inventory', limits));
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
 * Opens a name without following a link and without waiting on a FIFO; see open(2): a link gives
 * ELOOP, a socket ENXIO.
 */
async function openRegular(
  directory: FileHandle,
  name: string,
): Promise<{ file: FileHandle; size: number }> {
  const flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
  const opening = open(beneath(directory, name), flags).catch((error: unknown) => {
    if (['ELOOP', 'ENXIO'].includes(codeOf(error))) badImage(`read ${name}: not a regular file`);
    if (codeOf(error) === 'ENOENT') badImage(`read ${name}: the file is missing`);
    throw error;
  });
  const file = await attempt(`open ${name}`, opening);
  const stats = await file.stat();
  if (stats.isFile()) return { file, size: stats.size };
  await file.close();
  return badImage(`read ${name}: not a regular file`);
}

/** Reads a whole file. Bounded by the size that fstat said, even when the file grows meanwhile. */
async function readRegular(directory: FileHandle, name: string, most: number): Promise<Buffer> {
  const { file, size } = await openRegular(directory, name);
  try {
    if (size > most)
      badImage(`read ${name}: ${String(size)} bytes, more than such a file may have`);
    const buffer = Buffer.allocUnsafe(size);
    let length = 0;
    while (length < size) {
      const { bytesRead } = await file.read(buffer, length, size - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return buffer.subarray(0, length);
  } finally {
    await file.close();
  }
}

function beneath(directory: FileHandle, name: string): string {
  return `/proc/self/fd/${String(directory.fd)}/${name}`;
}
