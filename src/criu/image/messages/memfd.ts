// SPDX-License-Identifier: Apache-2.0
// Generated from proto/criu/memfd.proto; do not edit.
/** Memory files: an inode and the open files on it. */
import type { EnumTables, MessageTables } from '../../../common/wire/tables.js';
import type { FownEntry } from './fown.js';

/** An open memfd. */
export interface MemfdFileEntry {
  id: number;
  flags: number;
  pos: bigint;
  fown: FownEntry;
  inode_id: number;

  /** Made by memfd_create(2), not by open(2): it writes without the write access that keeps from executing. */
  mvas_made?: boolean | undefined;
}

/** The memory behind a memfd; `shmid` names its pagemap. */
export interface MemfdInodeEntry {
  name: string;
  uid: number;
  gid: number;
  size: bigint;
  shmid: number;
  seals: number;
  inode_id: bigint;
  hugetlb_flag?: number | undefined;
  mode?: number | undefined;
}

/** Field tables of this file's messages. */
export const MEMFD_MESSAGES = {
  memfd_file_entry: [
    ['id', 1, 'required', 'uint32'],
    ['flags', 2, 'required', 'uint32'],
    ['pos', 3, 'required', 'uint64'],
    ['fown', 4, 'required', 'fown_entry'],
    ['inode_id', 5, 'required', 'uint32'],
    ['mvas_made', 10000, 'optional', 'bool'],
  ],
  memfd_inode_entry: [
    ['name', 1, 'required', 'string'],
    ['uid', 2, 'required', 'uint32'],
    ['gid', 3, 'required', 'uint32'],
    ['size', 4, 'required', 'uint64'],
    ['shmid', 5, 'required', 'uint32'],
    ['seals', 6, 'required', 'uint32'],
    ['inode_id', 7, 'required', 'uint64'],
    ['hugetlb_flag', 8, 'optional', 'uint32'],
    ['mode', 9, 'optional', 'uint32'],
  ],
} as const satisfies MessageTables;

/** Numbers of this file's enums. */
export const MEMFD_ENUMS = {} as const satisfies EnumTables;
