// SPDX-License-Identifier: Apache-2.0
import { inBatches } from './batches.js';
import type { EntryOf, PayloadEntry } from './codec.js';
import type { GhostFile } from './ghost.js';
import type { EntryKind } from './header.js';
import type { ImageReader } from './image-reader.js';
import type { ImageWriter } from './image-writer.js';
import type {
  CoreEntry,
  FdinfoEntry,
  FileEntry,
  FileLockEntry,
  FsEntry,
  InventoryEntry,
  MemfdInodeEntry,
  MmEntry,
  PstreeEntry,
  RemapFilePathEntry,
  SeccompEntry,
  TaskKobjIdsEntry,
  TtyDataEntry,
  TtyInfoEntry,
} from './types.js';
import type { VasReference } from './vas-reference.js';

/** A whole checkpoint without its pages: what a dump builds up and a restore starts from. */
export interface CheckpointImage {
  readonly inventory: InventoryEntry;
  /** Where the memory is; absent in images that CRIU wrote. */
  readonly vas?: VasReference | undefined;
  /** Processes, parents before their children. */
  readonly pstree: readonly PstreeEntry[];
  /** Threads by tid, leaders included. */
  readonly cores: ReadonlyMap<number, CoreEntry>;
  /** By pid; none for the dead. */
  readonly ids: ReadonlyMap<number, TaskKobjIdsEntry>;
  /** By pid; a process without one shares that of another with the same `vm_id`. */
  readonly mms: ReadonlyMap<number, MmEntry>;
  /** By pid; a process without one shares that of another with the same `fs_id`. */
  readonly fs: ReadonlyMap<number, FsEntry>;
  /** Descriptor tables by `files_id`. */
  readonly fdinfo: ReadonlyMap<number, readonly FdinfoEntry[]>;
  readonly files: readonly FileEntry[];
  readonly remaps: readonly RemapFilePathEntry[];
  /** Deleted files by the `remap_id` that names them. */
  readonly ghosts: ReadonlyMap<number, GhostFile>;
  readonly pipesData: readonly PayloadEntry<'pipes-data'>[];
  readonly fifoData: readonly PayloadEntry<'fifo-data'>[];
  readonly skQueues: readonly PayloadEntry<'sk-queues'>[];
  /** Connections by `ino` of their socket. */
  readonly tcpStreams: ReadonlyMap<number, PayloadEntry<'tcp-stream'>>;
  readonly memfds: readonly MemfdInodeEntry[];
  readonly ttys: readonly TtyInfoEntry[];
  readonly ttyData: readonly TtyDataEntry[];
  readonly locks: readonly FileLockEntry[];
  readonly seccomp?: SeccompEntry | undefined;
}

/** An image without anything in it, to be spread into one that has. */
export function emptyCheckpointImage(inventory: InventoryEntry): CheckpointImage {
  return {
    inventory,
    pstree: [],
    cores: new Map(),
    ids: new Map(),
    mms: new Map(),
    fs: new Map(),
    fdinfo: new Map(),
    files: [],
    remaps: [],
    ghosts: new Map(),
    pipesData: [],
    fifoData: [],
    skQueues: [],
    tcpStreams: new Map(),
    memfds: [],
    ttys: [],
    ttyData: [],
    locks: [],
  };
}

/**
 * Reads a checkpoint. What it returns is well-formed, not yet sensible: see `validateCheckpointImage`.
 *
 * @throws ShimError `dataLoss` for files that cannot be decoded.
 */
export function readCheckpointImage(reader: ImageReader): CheckpointImage {
  const [seccomp] = reader.readIfAny('seccomp');
  return {
    inventory: reader.inventory,
    vas: reader.vasReference(),
    pstree: reader.read('pstree'),
    cores: readById(reader, 'core'),
    ids: readById(reader, 'ids'),
    mms: readById(reader, 'mm'),
    fs: readById(reader, 'fs'),
    fdinfo: mapIds(reader.ids('fdinfo'), (id) => reader.read('fdinfo', id)),
    files: reader.readIfAny('files'),
    remaps: reader.readIfAny('remap-fpath'),
    ghosts: mapIds(reader.ids('ghost-file'), (id) => reader.readGhost(id)),
    pipesData: reader.readPayloads('pipes-data'),
    fifoData: reader.readPayloads('fifo-data'),
    skQueues: reader.readPayloads('sk-queues'),
    tcpStreams: mapIds(reader.ids('tcp-stream'), (id) => reader.readStream(id)),
    memfds: reader.readIfAny('memfd'),
    ttys: reader.readIfAny('tty-info'),
    ttyData: reader.readIfAny('tty-data'),
    locks: reader.readIfAny('filelocks'),
    seccomp,
  };
}

/** Writes a checkpoint without its inventory. Files without entries are left out. */
export async function writeAllButInventory(
  writer: ImageWriter,
  image: CheckpointImage,
): Promise<void> {
  if (image.vas) await writer.writeVasReference(image.vas);
  await writer.write('pstree', undefined, image.pstree);
  await writeTasks(writer, image);
  await writeFiles(writer, image);
  await writeQueues(writer, image);
  if (image.seccomp) await writer.write('seccomp', undefined, [image.seccomp]);
}

async function writeTasks(writer: ImageWriter, image: CheckpointImage): Promise<void> {
  await inBatches(image.cores, ([tid, core]) => writer.write('core', tid, [core]));
  await inBatches(image.ids, ([pid, ids]) => writer.write('ids', pid, [ids]));
  await inBatches(image.mms, ([pid, mm]) => writer.write('mm', pid, [mm]));
  await inBatches(image.fs, ([pid, fs]) => writer.write('fs', pid, [fs]));
  await inBatches(image.fdinfo, ([id, fdinfo]) => writer.write('fdinfo', id, fdinfo));
}

async function writeFiles(writer: ImageWriter, image: CheckpointImage): Promise<void> {
  const write = async <K extends Exclude<EntryKind, 'inventory'>>(
    kind: K,
    entries: readonly EntryOf<K>[],
  ): Promise<void> => {
    if (entries.length > 0) await writer.write(kind, undefined, entries);
  };
  await write('files', image.files);
  await write('remap-fpath', image.remaps);
  await write('memfd', image.memfds);
  await write('tty-info', image.ttys);
  await write('tty-data', image.ttyData);
  await write('filelocks', image.locks);
  for (const [id, ghost] of image.ghosts) await writer.writeGhost(id, ghost);
}

async function writeQueues(writer: ImageWriter, image: CheckpointImage): Promise<void> {
  const { pipesData, fifoData, skQueues, tcpStreams } = image;
  if (pipesData.length > 0) await writer.writePayloads('pipes-data', undefined, pipesData);
  if (fifoData.length > 0) await writer.writePayloads('fifo-data', undefined, fifoData);
  if (skQueues.length > 0) await writer.writePayloads('sk-queues', undefined, skQueues);
  for (const [ino, stream] of tcpStreams) await writer.writePayloads('tcp-stream', ino, [stream]);
}

function readById<K extends EntryKind>(reader: ImageReader, kind: K): Map<number, EntryOf<K>> {
  return mapIds(reader.ids(kind), (id) => reader.readOne(kind, id));
}

function mapIds<T>(ids: readonly number[], read: (id: number) => T): Map<number, T> {
  return new Map(ids.map((id) => [id, read(id)]));
}
