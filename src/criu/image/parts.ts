// SPDX-License-Identifier: Apache-2.0
import type { NsPid, NsTid } from '../../common/ids.js';
import type { EntryOf, PayloadEntry } from './codec.js';
import type { GhostFile } from './ghost.js';
import type { MessageQueue } from './queues.js';
import type { EntryKind, ImageKind, IMAGE_KINDS, PayloadKind } from './header.js';

/** A part of a checkpoint, and its files. */
export interface PartInfo {
  readonly kind: Exclude<ImageKind, 'inventory'>;
  /** One file with one entry, or none; one file with all entries, or none; a file for each id. */
  readonly by: 'single' | 'list' | 'id';
  /** What these ids number, if they are not the image's own ids. */
  readonly ids?: 'pid' | 'tid';
  /** What it describes. */
  readonly about: 'tasks' | 'files' | 'ipc';
  /** Of a list: the field of its entries that numbers them; an image has them by that. */
  readonly key?: 'mvas_ino';
  /** Whether its file exists even without an entry. */
  readonly always?: true;
  /** The id in the name of a file that is not one of many. */
  readonly id?: number;
}

/** What files call the container's own IPC namespace. */
const IPC_NAMESPACE = 1;

/** All parts but the inventory, in the order in which they are written. */
const PARTS = {
  /** Processes, parents before their children. */
  pstree: { kind: 'pstree', by: 'list', about: 'tasks', always: true },
  /** Threads by tid, leaders included. */
  cores: { kind: 'core', by: 'id', ids: 'tid', about: 'tasks' },
  /** By pid; dead processes have none. */
  ids: { kind: 'ids', by: 'id', ids: 'pid', about: 'tasks' },
  /** By pid; a process without one shares that of another with the same `vm_id`. */
  mms: { kind: 'mm', by: 'id', ids: 'pid', about: 'tasks' },
  /** By pid; a process without one shares that of another with the same `fs_id`. */
  fs: { kind: 'fs', by: 'id', ids: 'pid', about: 'files' },
  /** Descriptor tables by `files_id`. */
  fdinfo: { kind: 'fdinfo', by: 'id', about: 'files' },
  files: { kind: 'files', by: 'list', about: 'files' },
  remaps: { kind: 'remap-fpath', by: 'list', about: 'files' },
  memfds: { kind: 'memfd', by: 'list', about: 'files' },
  /** POSIX message queues, open or not. */
  mqueues: { kind: 'mvas-mqueues', by: 'list', about: 'files' },
  ttys: { kind: 'tty-info', by: 'list', about: 'files' },
  ttyData: { kind: 'tty-data', by: 'list', about: 'files' },
  locks: { kind: 'filelocks', by: 'list', about: 'files' },
  /** Deleted files by the `remap_id` that names them, and content of memfds by their `shmid`. */
  ghosts: { kind: 'ghost-file', by: 'id', about: 'files' },
  pipeData: { kind: 'pipes-data', by: 'list', about: 'files' },
  fifoData: { kind: 'fifo-data', by: 'list', about: 'files' },
  /** What sockets have not read yet. */
  packets: { kind: 'sk-queues', by: 'list', about: 'files' },
  /** Connections by `ino` of their socket. */
  tcpStreams: { kind: 'mvas-tcp-streams', by: 'list', key: 'mvas_ino', about: 'files' },
  /** Limits of the IPC namespace; there if it has any objects. */
  ipcLimits: { kind: 'ipcns-var', by: 'single', id: IPC_NAMESPACE, about: 'ipc' },
  segments: { kind: 'ipcns-shm', by: 'list', id: IPC_NAMESPACE, about: 'ipc' },
  semaphores: { kind: 'ipcns-sem', by: 'list', id: IPC_NAMESPACE, about: 'ipc' },
  messageQueues: { kind: 'ipcns-msg', by: 'list', id: IPC_NAMESPACE, about: 'ipc' },
  seccomp: { kind: 'seccomp', by: 'single', about: 'tasks' },
} as const satisfies Readonly<Record<string, PartInfo>>;

type Parts = typeof PARTS;
/** Name of a part. */
export type PartKey = keyof Parts;
type KeysWith<P> = { [K in PartKey]: Parts[K] extends P ? K : never }[PartKey];
type LayoutOf<K extends ImageKind> = (typeof IMAGE_KINDS)[K]['layout'];

/** What a file of a kind contains, or each of its entries. */
type EntryIn<K extends ImageKind> =
  LayoutOf<K> extends 'queues'
    ? MessageQueue
    : K extends PayloadKind
      ? PayloadEntry<K>
      : K extends EntryKind
        ? EntryOf<K>
        : GhostFile;
/** What a file of an id contains. */
type FileOf<K extends ImageKind> =
  LayoutOf<K> extends 'entries' ? readonly EntryIn<K>[] : EntryIn<K>;
type IdOf<P extends PartInfo> = P extends { ids: 'pid' }
  ? NsPid
  : P extends { ids: 'tid' }
    ? NsTid
    : number;
type ContentOf<P extends PartInfo> = P['by'] extends 'id'
  ? ReadonlyMap<IdOf<P>, FileOf<P['kind']>>
  : P extends { key: string }
    ? ReadonlyMap<number, EntryIn<P['kind']>>
    : P['by'] extends 'list'
      ? readonly EntryIn<P['kind']>[]
      : EntryIn<P['kind']>;

/** The parts of a checkpoint. */
export type ImageParts = {
  readonly [K in Exclude<PartKey, KeysWith<{ by: 'single' }>>]: ContentOf<Parts[K]>;
} & { readonly [K in KeysWith<{ by: 'single' }>]?: ContentOf<Parts[K]> | undefined };

/** The parts about files. */
export type FileParts = Pick<ImageParts, KeysWith<{ about: 'files' }>>;

/** Those about the IPC namespace. */
export type IpcParts = Pick<ImageParts, KeysWith<{ about: 'ipc' }>>;

/** All parts, empty. */
export function emptyParts(): ImageParts {
  return emptyOf(() => true) as ImageParts;
}

/** The parts about files, empty. */
export function emptyFileParts(): FileParts {
  return emptyOf(({ about }) => about === 'files') as FileParts;
}

/** All parts with their names. */
export function partsOf(): readonly (readonly [PartKey, PartInfo])[] {
  return Object.entries(PARTS) as [PartKey, PartInfo][];
}

function emptyOf(isWanted: (part: PartInfo) => boolean): object {
  const wanted = partsOf().filter(([, part]) => part.by !== 'single' && isWanted(part));
  return Object.fromEntries(wanted.map(([key, part]) => [key, isMap(part) ? new Map() : []]));
}

/** Whether an image has the entries of a part by their ids. */
function isMap({ by, key }: PartInfo): boolean {
  return by === 'id' || key !== undefined;
}
