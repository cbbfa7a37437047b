// SPDX-License-Identifier: Apache-2.0
// Generated from proto/criu/files.proto; do not edit.
/** Descriptors and open files. A descriptor names an open file by id; files.img lists these. */
import type { NsPid } from '../../../common/ids.js';
import type { EnumTables, MessageTables } from '../../../common/wire/tables.js';
import type {
  EventfdFileEntry,
  EventpollFileEntry,
  FanotifyFileEntry,
  InotifyFileEntry,
  PidfdEntry,
  SignalfdEntry,
  TimerfdEntry,
} from './eventfiles.js';
import type { FifoEntry, PipeEntry } from './pipes.js';
import type { FownEntry } from './fown.js';
import type { InetSkEntry, UnixSkEntry } from './sockets.js';
import type { MemfdFileEntry } from './memfd.js';
import type { MvasIoUringEntry } from './rings.js';
import type { NetlinkSkEntry, PacketSockEntry, TunfileEntry } from './netfiles.js';
import type { Timeval } from './timers.js';
import type { TtyFileEntry } from './tty.js';

/** Kinds of open files. */
export type FdTypes =
  | 'UND'
  | 'REG'
  | 'PIPE'
  | 'FIFO'
  | 'INETSK'
  | 'UNIXSK'
  | 'EVENTFD'
  | 'EVENTPOLL'
  | 'INOTIFY'
  | 'SIGNALFD'
  | 'PACKETSK'
  | 'TTY'
  | 'FANOTIFY'
  | 'NETLINKSK'
  | 'NS'
  | 'TUNF'
  | 'EXT'
  | 'TIMERFD'
  | 'MEMFD'
  | 'BPFMAP'
  | 'PIDFD'
  | 'MVAS_MQUEUE'
  | 'MVAS_IO_URING'
  | 'CTL_TTY'
  | 'AUTOFS_PIPE';

/** How a file that has no name any more is found. */
export type RemapType = 'LINKED' | 'GHOST' | 'PROCFS';

/** One file descriptor. */
export interface FdinfoEntry {
  id: number;
  flags: number;
  type: FdTypes;
  fd: number;
  xattr_security_selinux?: string | undefined;
}

/** A regular file, directory or device by path. */
export interface RegFileEntry {
  id: number;
  flags: number;
  pos: bigint;
  fown: FownEntry;
  name: string;
  mnt_id?: number | undefined;
  size?: bigint | undefined;
  ext?: boolean | undefined;
  mode?: number | undefined;
  build_id: number[];
  checksum?: number | undefined;
  checksum_config?: number | undefined;
  checksum_parameter?: number | undefined;

  /** Of a regular file that has a name: programs may know it by that. */
  mvas_ino?: bigint | undefined;
}

/** A file of /proc/PID/ns. */
export interface NsFileEntry {
  id: number;
  ns_id: number;
  ns_cflag: number;
  flags: number;
}

/** A file that a plugin looks after. */
export interface ExtFileEntry {
  id: number;
  fown: FownEntry;
}

/** One open file: its id and the one field that `type` names. */
export interface FileEntry {
  type: FdTypes;
  id: number;
  reg?: RegFileEntry | undefined;
  isk?: InetSkEntry | undefined;
  nsf?: NsFileEntry | undefined;
  psk?: PacketSockEntry | undefined;
  nlsk?: NetlinkSkEntry | undefined;
  efd?: EventfdFileEntry | undefined;
  epfd?: EventpollFileEntry | undefined;
  sgfd?: SignalfdEntry | undefined;
  tunf?: TunfileEntry | undefined;
  tfd?: TimerfdEntry | undefined;
  ify?: InotifyFileEntry | undefined;
  ffy?: FanotifyFileEntry | undefined;
  ext?: ExtFileEntry | undefined;
  usk?: UnixSkEntry | undefined;
  fifo?: FifoEntry | undefined;
  pipe?: PipeEntry | undefined;
  tty?: TtyFileEntry | undefined;
  memfd?: MemfdFileEntry | undefined;
  pidfd?: PidfdEntry | undefined;

  /** Stands for the task's stdin, stdout or stderr (0 to 2), whose other end is outside the container, or for any of those of an exec (3). */
  mvas_stdio?: number | undefined;
  mvas_mqueue?: MvasMqueueFileEntry | undefined;
  mvas_io_uring?: MvasIoUringEntry | undefined;
}

/** Working directory, root and umask of a process. */
export interface FsEntry {
  cwd_id: number;
  root_id: number;
  umask?: number | undefined;
}

/** Says that the file with `orig_id` is to be had through `remap_id`. */
export interface RemapFilePathEntry {
  orig_id: number;
  remap_id: number;
  remap_type?: RemapType | undefined;
}

/** A deleted file; its content follows, whole or in chunks. */
export interface GhostFileEntry {
  uid: number;
  gid: number;
  mode: number;
  dev?: number | undefined;
  ino?: bigint | undefined;
  rdev?: number | undefined;
  atim?: Timeval | undefined;
  mtim?: Timeval | undefined;
  chunks?: boolean | undefined;
  size?: bigint | undefined;
  symlnk_target?: string | undefined;

  /** Nanoseconds of `atim` and `mtim`, whole. */
  mvas_atim_nsec?: number | undefined;
  mvas_mtim_nsec?: number | undefined;
  mvas_xattrs: MvasXattrEntry[];

  /** Where in the VAS the content lies, if it is too large for this file; no chunks follow then. */
  mvas_park?: bigint | undefined;

  /** Pairs of first page and page count: the pages that the VAS holds of it. */
  mvas_runs: bigint[];
}

/** An extended attribute. */
export interface MvasXattrEntry {
  name: Uint8Array;
  value: Uint8Array;
}

/** A piece of a sparse deleted file; `len` bytes follow. */
export interface GhostChunkEntry {
  len: bigint;
  off: bigint;
}

/** A lock: flock or POSIX. */
export interface FileLockEntry {
  flag: number;
  type: number;
  pid: NsPid;
  fd: number;
  start: bigint;
  len: bigint;

  /** Of a lease: the owner of the file, if it is not root. */
  mvas_uid?: number | undefined;
}

/** An open POSIX message queue; `queue_id` names its entry. */
export interface MvasMqueueFileEntry {
  id: number;
  flags: number;
  fown: FownEntry;
  queue_id: number;
}

/** A POSIX message queue, by the order of whose messages they are received. */
export interface MvasMqueueEntry {
  queue_id: number;

  /** Without the slash before it. */
  name: Uint8Array;
  uid: number;
  gid: number;
  mode: number;
  max_messages: number;
  message_size: number;

  /** It was removed, and is still open. */
  is_removed?: boolean | undefined;
  messages: MvasMqueueMessage[];
}

export interface MvasMqueueMessage {
  priority: number;
  data: Uint8Array;
}

/** Field tables of this file's messages. */
export const FILES_MESSAGES = {
  fdinfo_entry: [
    ['id', 1, 'required', 'uint32'],
    ['flags', 2, 'required', 'uint32'],
    ['type', 3, 'required', 'fd_types'],
    ['fd', 4, 'required', 'uint32'],
    ['xattr_security_selinux', 5, 'optional', 'string'],
  ],
  reg_file_entry: [
    ['id', 1, 'required', 'uint32'],
    ['flags', 2, 'required', 'uint32'],
    ['pos', 3, 'required', 'uint64'],
    ['fown', 5, 'required', 'fown_entry'],
    ['name', 6, 'required', 'string'],
    ['mnt_id', 7, 'optional', 'sint32'],
    ['size', 8, 'optional', 'uint64'],
    ['ext', 9, 'optional', 'bool'],
    ['mode', 10, 'optional', 'uint32'],
    ['build_id', 11, 'repeated', 'uint32'],
    ['checksum', 12, 'optional', 'uint32'],
    ['checksum_config', 13, 'optional', 'uint32'],
    ['checksum_parameter', 14, 'optional', 'uint32'],
    ['mvas_ino', 10000, 'optional', 'uint64'],
  ],
  ns_file_entry: [
    ['id', 1, 'required', 'uint32'],
    ['ns_id', 2, 'required', 'uint32'],
    ['ns_cflag', 3, 'required', 'uint32'],
    ['flags', 4, 'required', 'uint32'],
  ],
  ext_file_entry: [
    ['id', 1, 'required', 'uint32'],
    ['fown', 5, 'required', 'fown_entry'],
  ],
  file_entry: [
    ['type', 1, 'required', 'fd_types'],
    ['id', 2, 'required', 'uint32'],
    ['reg', 3, 'optional', 'reg_file_entry'],
    ['isk', 4, 'optional', 'inet_sk_entry'],
    ['nsf', 5, 'optional', 'ns_file_entry'],
    ['psk', 6, 'optional', 'packet_sock_entry'],
    ['nlsk', 7, 'optional', 'netlink_sk_entry'],
    ['efd', 8, 'optional', 'eventfd_file_entry'],
    ['epfd', 9, 'optional', 'eventpoll_file_entry'],
    ['sgfd', 10, 'optional', 'signalfd_entry'],
    ['tunf', 11, 'optional', 'tunfile_entry'],
    ['tfd', 12, 'optional', 'timerfd_entry'],
    ['ify', 13, 'optional', 'inotify_file_entry'],
    ['ffy', 14, 'optional', 'fanotify_file_entry'],
    ['ext', 15, 'optional', 'ext_file_entry'],
    ['usk', 16, 'optional', 'unix_sk_entry'],
    ['fifo', 17, 'optional', 'fifo_entry'],
    ['pipe', 18, 'optional', 'pipe_entry'],
    ['tty', 19, 'optional', 'tty_file_entry'],
    ['memfd', 20, 'optional', 'memfd_file_entry'],
    ['pidfd', 22, 'optional', 'pidfd_entry'],
    ['mvas_stdio', 10000, 'optional', 'uint32'],
    ['mvas_mqueue', 10001, 'optional', 'mvas_mqueue_file_entry'],
    ['mvas_io_uring', 10002, 'optional', 'mvas_io_uring_entry'],
  ],
  fs_entry: [
    ['cwd_id', 1, 'required', 'uint32'],
    ['root_id', 2, 'required', 'uint32'],
    ['umask', 3, 'optional', 'uint32'],
  ],
  remap_file_path_entry: [
    ['orig_id', 1, 'required', 'uint32'],
    ['remap_id', 2, 'required', 'uint32'],
    ['remap_type', 3, 'optional', 'remap_type'],
  ],
  ghost_file_entry: [
    ['uid', 1, 'required', 'uint32'],
    ['gid', 2, 'required', 'uint32'],
    ['mode', 3, 'required', 'uint32'],
    ['dev', 4, 'optional', 'uint32'],
    ['ino', 5, 'optional', 'uint64'],
    ['rdev', 6, 'optional', 'uint32'],
    ['atim', 7, 'optional', 'timeval'],
    ['mtim', 8, 'optional', 'timeval'],
    ['chunks', 9, 'optional', 'bool'],
    ['size', 10, 'optional', 'uint64'],
    ['symlnk_target', 11, 'optional', 'string'],
    ['mvas_atim_nsec', 10000, 'optional', 'uint32'],
    ['mvas_mtim_nsec', 10001, 'optional', 'uint32'],
    ['mvas_xattrs', 10002, 'repeated', 'mvas_xattr_entry'],
    ['mvas_park', 10003, 'optional', 'uint64'],
    ['mvas_runs', 10004, 'packed', 'uint64'],
  ],
  mvas_xattr_entry: [
    ['name', 1, 'required', 'bytes'],
    ['value', 2, 'required', 'bytes'],
  ],
  ghost_chunk_entry: [
    ['len', 1, 'required', 'uint64'],
    ['off', 2, 'required', 'uint64'],
  ],
  file_lock_entry: [
    ['flag', 1, 'required', 'uint32'],
    ['type', 2, 'required', 'uint32'],
    ['pid', 3, 'required', 'int32'],
    ['fd', 4, 'required', 'int32'],
    ['start', 5, 'required', 'int64'],
    ['len', 6, 'required', 'int64'],
    ['mvas_uid', 10000, 'optional', 'uint32'],
  ],
  mvas_mqueue_file_entry: [
    ['id', 1, 'required', 'uint32'],
    ['flags', 2, 'required', 'uint32'],
    ['fown', 3, 'required', 'fown_entry'],
    ['queue_id', 4, 'required', 'uint32'],
  ],
  mvas_mqueue_entry: [
    ['queue_id', 1, 'required', 'uint32'],
    ['name', 2, 'required', 'bytes'],
    ['uid', 3, 'required', 'uint32'],
    ['gid', 4, 'required', 'uint32'],
    ['mode', 5, 'required', 'uint32'],
    ['max_messages', 6, 'required', 'uint32'],
    ['message_size', 7, 'required', 'uint32'],
    ['is_removed', 8, 'optional', 'bool'],
    ['messages', 9, 'repeated', 'mvas_mqueue_message'],
  ],
  mvas_mqueue_message: [
    ['priority', 1, 'required', 'uint32'],
    ['data', 2, 'required', 'bytes'],
  ],
} as const satisfies MessageTables;

/** Numbers of this file's enums. */
export const FILES_ENUMS = {
  fd_types: {
    UND: 0,
    REG: 1,
    PIPE: 2,
    FIFO: 3,
    INETSK: 4,
    UNIXSK: 5,
    EVENTFD: 6,
    EVENTPOLL: 7,
    INOTIFY: 8,
    SIGNALFD: 9,
    PACKETSK: 10,
    TTY: 11,
    FANOTIFY: 12,
    NETLINKSK: 13,
    NS: 14,
    TUNF: 15,
    EXT: 16,
    TIMERFD: 17,
    MEMFD: 18,
    BPFMAP: 19,
    PIDFD: 20,
    MVAS_MQUEUE: 10000,
    MVAS_IO_URING: 10001,
    CTL_TTY: 65534,
    AUTOFS_PIPE: 65535,
  },
  remap_type: { LINKED: 0, GHOST: 1, PROCFS: 2 },
} as const satisfies EnumTables;
