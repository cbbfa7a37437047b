// SPDX-License-Identifier: Apache-2.0
import type { MessageName } from './schema.js';

/**
 * Files of a checkpoint directory, as CRIU 4 names them. Layout of a file:
 *
 *     [first magic] [magic] { [size] [message] [payload] } ...      all numbers 32 bits, little endian
 *
 * The first magic is the common one, or the service one for statistics; the inventory has none, and
 * raw files have no magic at all. Source of the numbers: CRIU's list of magics, which its Python
 * package publishes as `pycriu.images.magic`.
 */

/** First word of image files. */
const COMMON_MAGIC = 0x54564319;
/** First word of files that say how a checkpoint went. */
const SERVICE_MAGIC = 0x55105940;
/** `img_version` of an inventory whose other files begin with {@link COMMON_MAGIC}. */
export const IMAGE_VERSION = 2;

const MIB = 1024 * 1024;

/** Largest metadata file that is read, in bytes. */
export const MAX_ENTRIES_BYTES = 64 * MIB;
/** Largest file with payloads that is read, in bytes. */
export const MAX_PAYLOAD_BYTES = 1024 * MIB;

/** How the entries of a kind of file follow each other. */
export type ImageLayout = 'single' | 'entries' | 'payload' | 'pagemap' | 'ghost' | 'queues' | 'raw';

/** What is known about one kind of file. */
export interface ImageKindInfo {
  /** Second word; 0 for raw files. */
  readonly magic: number;
  readonly message?: MessageName;
  readonly layout: ImageLayout;
  /** The part of the name after the stem: none, a decimal or a hexadecimal number. */
  readonly id: 'none' | 'decimal' | 'hex';
  /** End of the name, `.img` by default. */
  readonly extension?: string;
}

/** All kinds of files, by the stem of their names. */
export const IMAGE_KINDS = {
  inventory: { magic: 0x58313116, message: 'inventory_entry', layout: 'single', id: 'none' },
  pstree: { magic: 0x50273030, message: 'pstree_entry', layout: 'entries', id: 'none' },
  core: { magic: 0x55053847, message: 'core_entry', layout: 'single', id: 'decimal' },
  ids: { magic: 0x54432030, message: 'task_kobj_ids_entry', layout: 'single', id: 'decimal' },
  mm: { magic: 0x57492820, message: 'mm_entry', layout: 'single', id: 'decimal' },
  fs: { magic: 0x51403912, message: 'fs_entry', layout: 'single', id: 'decimal' },
  fdinfo: { magic: 0x56213732, message: 'fdinfo_entry', layout: 'entries', id: 'decimal' },
  files: { magic: 0x56303138, message: 'file_entry', layout: 'entries', id: 'none' },
  pagemap: { magic: 0x56084025, message: 'pagemap_entry', layout: 'pagemap', id: 'decimal' },
  'pagemap-shmem': {
    magic: 0x56084025,
    message: 'pagemap_entry',
    layout: 'pagemap',
    id: 'decimal',
  },
  pages: { magic: 0, layout: 'raw', id: 'decimal' },
  'pipes-data': { magic: 0x56453709, message: 'pipe_data_entry', layout: 'payload', id: 'none' },
  'fifo-data': { magic: 0x59333054, message: 'pipe_data_entry', layout: 'payload', id: 'none' },
  'sk-queues': { magic: 0x56264026, message: 'sk_packet_entry', layout: 'payload', id: 'none' },
  'tcp-stream': { magic: 0x51465506, message: 'tcp_stream_entry', layout: 'payload', id: 'hex' },
  'mvas-tcp-streams': {
    magic: 0x4d564354,
    message: 'tcp_stream_entry',
    layout: 'payload',
    id: 'none',
  },
  'remap-fpath': {
    magic: 0x59133954,
    message: 'remap_file_path_entry',
    layout: 'entries',
    id: 'none',
  },
  'ghost-file': { magic: 0x52583605, message: 'ghost_file_entry', layout: 'ghost', id: 'hex' },
  memfd: { magic: 0x48453499, message: 'memfd_inode_entry', layout: 'entries', id: 'none' },
  'mvas-mqueues': {
    magic: 0x4d564d51,
    message: 'mvas_mqueue_entry',
    layout: 'entries',
    id: 'none',
  },
  'tty-info': { magic: 0x59453036, message: 'tty_info_entry', layout: 'entries', id: 'none' },
  'tty-data': { magic: 0x59413026, message: 'tty_data_entry', layout: 'entries', id: 'none' },
  filelocks: { magic: 0x54323616, message: 'file_lock_entry', layout: 'entries', id: 'none' },
  seccomp: { magic: 0x64413049, message: 'seccomp_entry', layout: 'single', id: 'none' },
  cgroup: { magic: 0x59383330, message: 'cgroup_entry', layout: 'single', id: 'none' },
  cpuinfo: { magic: 0x61404013, message: 'cpuinfo_entry', layout: 'single', id: 'none' },
  mountpoints: { magic: 0x55563928, message: 'mnt_entry', layout: 'entries', id: 'decimal' },
  utsns: { magic: 0x54473203, message: 'utsns_entry', layout: 'single', id: 'decimal' },
  timens: { magic: 0x43114433, message: 'timens_entry', layout: 'single', id: 'decimal' },
  pidns: { magic: 0x61157326, message: 'pidns_entry', layout: 'single', id: 'decimal' },
  userns: { magic: 0x55474906, message: 'userns_entry', layout: 'single', id: 'decimal' },
  'ipcns-var': { magic: 0x53115007, message: 'ipc_var_entry', layout: 'single', id: 'decimal' },
  'ipcns-shm': { magic: 0x46283044, message: 'ipc_shm_entry', layout: 'payload', id: 'decimal' },
  'ipcns-msg': { magic: 0x55453737, message: 'ipc_msg_entry', layout: 'queues', id: 'decimal' },
  'ipcns-sem': { magic: 0x59573019, message: 'ipc_sem_entry', layout: 'payload', id: 'decimal' },
  tmpfs: { magic: 0, layout: 'raw', id: 'decimal', extension: '.tar.gz.img' },
  'tmpfs-dev': { magic: 0, layout: 'raw', id: 'decimal', extension: '.tar.gz.img' },
  'stats-dump': {
    magic: 0x57093306,
    message: 'stats_entry',
    layout: 'single',
    id: 'none',
    extension: '',
  },
  'stats-restore': {
    magic: 0x57093306,
    message: 'stats_entry',
    layout: 'single',
    id: 'none',
    extension: '',
  },
} as const satisfies Readonly<Record<string, ImageKindInfo>>;

/** Stem of a file name of a checkpoint directory. */
export type ImageKind = keyof typeof IMAGE_KINDS;

type KindsOf<L extends ImageLayout> = {
  [K in ImageKind]: (typeof IMAGE_KINDS)[K]['layout'] extends L ? K : never;
}[ImageKind];

/** Kinds whose files contain only messages. */
export type EntryKind = KindsOf<'single' | 'entries'>;
/** Kinds with raw bytes after each message. */
export type PayloadKind = KindsOf<'payload'>;
/** Kinds that list stored pages. */
export type PagemapKind = KindsOf<'pagemap'>;
/** Kinds that are not in the format at all: pages, archives. */
export type RawKind = KindsOf<'raw'>;

/** The facts of a kind. */
export function kindInfo(kind: ImageKind): ImageKindInfo {
  return IMAGE_KINDS[kind];
}

/** First word of a kind's files; undefined if there is none. */
export function firstMagic(kind: ImageKind): number | undefined {
  if (kind === 'inventory' || kindInfo(kind).magic === 0) return undefined;
  return kind === 'stats-dump' || kind === 'stats-restore' ? SERVICE_MAGIC : COMMON_MAGIC;
}

/** The name of a file, such as `core-1.img`. `id` is required if and only if the kind has one. */
export function imageFileName(kind: ImageKind, id?: number | bigint): string {
  const info = kindInfo(kind);
  const suffix = id === undefined ? '' : `-${id.toString(info.id === 'hex' ? 16 : 10)}`;
  return `${kind}${suffix}${info.extension ?? '.img'}`;
}

/** The kind and id in a file name, or undefined for a name that is not one of ours. */
export function parseImageFileName(name: string): { kind: ImageKind; id?: bigint } | undefined {
  for (const kind of Object.keys(IMAGE_KINDS) as ImageKind[]) {
    const info = kindInfo(kind);
    const extension = info.extension ?? '.img';
    if (!name.startsWith(kind) || !name.endsWith(extension)) continue;
    const rest = name.slice(kind.length, name.length - extension.length);
    if (info.id === 'none' && rest === '') return { kind };
    const digits = info.id === 'hex' ? /^-(0|[1-9a-f][0-9a-f]{0,15})$/ : /^-(0|[1-9]\d{0,18})$/;
    const id = info.id === 'none' ? undefined : digits.exec(rest)?.[1];
    if (id !== undefined) return { kind, id: BigInt(info.id === 'hex' ? `0x${id}` : id) };
  }
  return undefined;
}
