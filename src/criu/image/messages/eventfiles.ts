// SPDX-License-Identifier: Apache-2.0
// Generated from proto/criu/eventfiles.proto; do not edit.
/** Files that stand for events: eventfd, epoll, signalfd, timerfd, inotify, fanotify, pidfd. */
import type { NsPid } from '../../../common/ids.js';
import type { EnumTables, MessageTables } from '../../../common/wire/tables.js';
import type { FownEntry } from './fown.js';

/** What a fanotify mark is set on. */
export type MarkType = 'INODE' | 'MOUNT';

/** An eventfd. */
export interface EventfdFileEntry {
  id: number;
  flags: number;
  fown: FownEntry;
  counter: bigint;
}

/** One descriptor watched by an epoll file. */
export interface EventpollTfdEntry {
  id: number;
  tfd: number;
  events: number;
  data: bigint;
  dev?: number | undefined;
  inode?: bigint | undefined;
  pos?: bigint | undefined;
}

/** An epoll file with what it watches. */
export interface EventpollFileEntry {
  id: number;
  flags: number;
  fown: FownEntry;
  tfd: EventpollTfdEntry[];
}

/** A signalfd. */
export interface SignalfdEntry {
  id: number;
  flags: number;
  fown: FownEntry;
  sigmask: bigint;
}

/** A timerfd with its remaining time. */
export interface TimerfdEntry {
  id: number;
  flags: number;
  fown: FownEntry;
  clockid: number;
  ticks: bigint;
  settime_flags: number;
  vsec: bigint;
  vnsec: bigint;
  isec: bigint;
  insec: bigint;
}

/** A file handle, as name_to_handle_at(2). */
export interface FhEntry {
  bytes: number;
  type: number;
  handle: bigint[];
  path?: string | undefined;
  mnt_id?: number | undefined;
}

/** One inotify watch. */
export interface InotifyWdEntry {
  id: number;
  i_ino: bigint;
  mask: number;
  ignored_mask: number;
  s_dev: number;
  wd: number;
  f_handle: FhEntry;
}

/** An inotify file. */
export interface InotifyFileEntry {
  id: number;
  flags: number;
  fown: FownEntry;
  wd: InotifyWdEntry[];

  /** Events were unread, in whose place it reports IN_Q_OVERFLOW. */
  mvas_overflow?: boolean | undefined;
}

/** Mark on an inode. */
export interface FanotifyInodeMarkEntry {
  i_ino: bigint;
  f_handle: FhEntry;
}

/** Mark on a mount. */
export interface FanotifyMountMarkEntry {
  mnt_id: number;
  path?: string | undefined;
}

/** A fanotify mark. */
export interface FanotifyMarkEntry {
  id: number;
  type: MarkType;
  mflags: number;
  mask: number;
  ignored_mask: number;
  s_dev: number;
  ie?: FanotifyInodeMarkEntry | undefined;
  me?: FanotifyMountMarkEntry | undefined;
}

/** A fanotify file. */
export interface FanotifyFileEntry {
  id: number;
  flags: number;
  fown: FownEntry;
  faflags: number;
  evflags: number;
  mark: FanotifyMarkEntry[];
}

/** A pidfd; `nspid` is the process in the container's numbering. */
export interface PidfdEntry {
  id: number;
  ino: number;
  flags: number;

  /** -1: it has been reaped. */
  nspid: NsPid;
  fown: FownEntry;

  /** Of a process that has been reaped: its status as wait(2) told it. Linux 6.15. */
  mvas_status?: number | undefined;
}

/** Field tables of this file's messages. */
export const EVENTFILES_MESSAGES = {
  eventfd_file_entry: [
    ['id', 1, 'required', 'uint32'],
    ['flags', 2, 'required', 'uint32'],
    ['fown', 3, 'required', 'fown_entry'],
    ['counter', 4, 'required', 'uint64'],
  ],
  eventpoll_tfd_entry: [
    ['id', 1, 'required', 'uint32'],
    ['tfd', 2, 'required', 'uint32'],
    ['events', 3, 'required', 'uint32'],
    ['data', 4, 'required', 'uint64'],
    ['dev', 5, 'optional', 'uint32'],
    ['inode', 6, 'optional', 'uint64'],
    ['pos', 7, 'optional', 'uint64'],
  ],
  eventpoll_file_entry: [
    ['id', 1, 'required', 'uint32'],
    ['flags', 2, 'required', 'uint32'],
    ['fown', 3, 'required', 'fown_entry'],
    ['tfd', 4, 'repeated', 'eventpoll_tfd_entry'],
  ],
  signalfd_entry: [
    ['id', 1, 'required', 'uint32'],
    ['flags', 2, 'required', 'uint32'],
    ['fown', 3, 'required', 'fown_entry'],
    ['sigmask', 4, 'required', 'uint64'],
  ],
  timerfd_entry: [
    ['id', 1, 'required', 'uint32'],
    ['flags', 2, 'required', 'uint32'],
    ['fown', 3, 'required', 'fown_entry'],
    ['clockid', 4, 'required', 'uint32'],
    ['ticks', 5, 'required', 'uint64'],
    ['settime_flags', 6, 'required', 'uint32'],
    ['vsec', 7, 'required', 'uint64'],
    ['vnsec', 8, 'required', 'uint64'],
    ['isec', 9, 'required', 'uint64'],
    ['insec', 10, 'required', 'uint64'],
  ],
  fh_entry: [
    ['bytes', 1, 'required', 'uint32'],
    ['type', 2, 'required', 'uint32'],
    ['handle', 3, 'repeated', 'uint64'],
    ['path', 4, 'optional', 'string'],
    ['mnt_id', 5, 'optional', 'uint32'],
  ],
  inotify_wd_entry: [
    ['id', 1, 'required', 'uint32'],
    ['i_ino', 2, 'required', 'uint64'],
    ['mask', 3, 'required', 'uint32'],
    ['ignored_mask', 4, 'required', 'uint32'],
    ['s_dev', 5, 'required', 'uint32'],
    ['wd', 6, 'required', 'uint32'],
    ['f_handle', 7, 'required', 'fh_entry'],
  ],
  inotify_file_entry: [
    ['id', 1, 'required', 'uint32'],
    ['flags', 2, 'required', 'uint32'],
    ['fown', 4, 'required', 'fown_entry'],
    ['wd', 5, 'repeated', 'inotify_wd_entry'],
    ['mvas_overflow', 10000, 'optional', 'bool'],
  ],
  fanotify_inode_mark_entry: [
    ['i_ino', 1, 'required', 'uint64'],
    ['f_handle', 2, 'required', 'fh_entry'],
  ],
  fanotify_mount_mark_entry: [
    ['mnt_id', 1, 'required', 'uint32'],
    ['path', 2, 'optional', 'string'],
  ],
  fanotify_mark_entry: [
    ['id', 1, 'required', 'uint32'],
    ['type', 2, 'required', 'mark_type'],
    ['mflags', 3, 'required', 'uint32'],
    ['mask', 4, 'required', 'uint32'],
    ['ignored_mask', 5, 'required', 'uint32'],
    ['s_dev', 6, 'required', 'uint32'],
    ['ie', 7, 'optional', 'fanotify_inode_mark_entry'],
    ['me', 8, 'optional', 'fanotify_mount_mark_entry'],
  ],
  fanotify_file_entry: [
    ['id', 1, 'required', 'uint32'],
    ['flags', 2, 'required', 'uint32'],
    ['fown', 3, 'required', 'fown_entry'],
    ['faflags', 4, 'required', 'uint32'],
    ['evflags', 5, 'required', 'uint32'],
    ['mark', 6, 'repeated', 'fanotify_mark_entry'],
  ],
  pidfd_entry: [
    ['id', 1, 'required', 'uint32'],
    ['ino', 2, 'required', 'uint32'],
    ['flags', 3, 'required', 'uint32'],
    ['nspid', 4, 'required', 'int32'],
    ['fown', 5, 'required', 'fown_entry'],
    ['mvas_status', 10000, 'optional', 'uint32'],
  ],
} as const satisfies MessageTables;

/** Numbers of this file's enums. */
export const EVENTFILES_ENUMS = {
  mark_type: { INODE: 1, MOUNT: 2 },
} as const satisfies EnumTables;
