// SPDX-License-Identifier: Apache-2.0
// Generated from proto/criu/namespaces.proto; do not edit.
/** Contents of uts, ipc, user, pid and mount namespaces. */
import type { EnumTables, MessageTables } from '../../../common/wire/tables.js';

/** Host and domain name. */
export interface UtsnsEntry {
  nodename: string;
  domainname: string;
}

/** One line of a uid or gid map. */
export interface UidGidExtent {
  first: number;
  lower_first: number;
  count: number;
}

/** Maps of a user namespace. */
export interface UsernsEntry {
  uid_map: UidGidExtent[];
  gid_map: UidGidExtent[];
}

/** A pid namespace. */
export interface PidnsEntry {
  ext_key?: string | undefined;
}

/** What all System V objects have. */
export interface IpcDescEntry {
  key: number;
  uid: number;
  gid: number;
  cuid: number;
  cgid: number;
  mode: number;
  id: number;
}

/** Limits of an ipc namespace. */
export interface IpcVarEntry {
  sem_ctls: number[];
  msg_ctlmax: number;
  msg_ctlmnb: number;
  msg_ctlmni: number;
  auto_msgmni: number;
  shm_ctlmax: bigint;
  shm_ctlall: bigint;
  shm_ctlmni: number;
  shm_rmid_forced: number;
  mq_queues_max: number;
  mq_msg_max: number;
  mq_msgsize_max: number;
  mq_msg_default?: number | undefined;
  mq_msgsize_default?: number | undefined;
  msg_next_id?: number | undefined;
  sem_next_id?: number | undefined;
  shm_next_id?: number | undefined;
}

/** Shared memory segment; its content follows unless `in_pagemaps`. */
export interface IpcShmEntry {
  desc: IpcDescEntry;
  size: bigint;
  in_pagemaps?: boolean | undefined;
  hugetlb_flag?: number | undefined;

  /** Where in the VAS its content lies, of a segment that no process has attached. */
  mvas_park?: bigint | undefined;

  /** Pairs of first page and page count: the pages that the VAS holds of such a segment. */
  mvas_runs: bigint[];

  /** Of a segment that is removed, and lives as long as it is attached: the key that it was made by. */
  mvas_made_key?: number | undefined;
}

/** A message; `msize` bytes follow. */
export interface IpcMsg {
  mtype: bigint;
  msize: number;
}

/** A message queue; its messages follow. */
export interface IpcMsgEntry {
  desc: IpcDescEntry;
  qbytes: number;
  qnum: number;
}

/** A semaphore set; 16-bit values follow. */
export interface IpcSemEntry {
  desc: IpcDescEntry;
  nsems: number;
  mvas_adjustments: MvasAdjustment[];
}

/** What the kernel adds to a semaphore when a process ends (SEM_UNDO). */
export interface MvasAdjustment {
  /** Of the process, as its container numbers it. */
  pid: number;
  index: number;
  value: number;
}

/** One line of mountinfo. */
export interface MntEntry {
  fstype: number;
  mnt_id: number;
  root_dev: number;
  parent_mnt_id: number;
  flags: number;
  root: string;
  mountpoint: string;
  source: string;
  options: string;
  shared_id?: number | undefined;
  master_id?: number | undefined;
  with_plugin?: boolean | undefined;
  ext_mount?: boolean | undefined;
  fsname?: string | undefined;
  internal_sharing?: boolean | undefined;
  deleted?: boolean | undefined;
  sb_flags?: number | undefined;
  ext_key?: string | undefined;
}

/** Field tables of this file's messages. */
export const NAMESPACES_MESSAGES = {
  utsns_entry: [
    ['nodename', 1, 'required', 'string'],
    ['domainname', 2, 'required', 'string'],
  ],
  uid_gid_extent: [
    ['first', 1, 'required', 'uint32'],
    ['lower_first', 2, 'required', 'uint32'],
    ['count', 3, 'required', 'uint32'],
  ],
  userns_entry: [
    ['uid_map', 1, 'repeated', 'uid_gid_extent'],
    ['gid_map', 2, 'repeated', 'uid_gid_extent'],
  ],
  pidns_entry: [['ext_key', 1, 'optional', 'string']],
  ipc_desc_entry: [
    ['key', 1, 'required', 'uint32'],
    ['uid', 2, 'required', 'uint32'],
    ['gid', 3, 'required', 'uint32'],
    ['cuid', 4, 'required', 'uint32'],
    ['cgid', 5, 'required', 'uint32'],
    ['mode', 6, 'required', 'uint32'],
    ['id', 7, 'required', 'uint32'],
  ],
  ipc_var_entry: [
    ['sem_ctls', 1, 'repeated', 'uint32'],
    ['msg_ctlmax', 2, 'required', 'uint32'],
    ['msg_ctlmnb', 3, 'required', 'uint32'],
    ['msg_ctlmni', 4, 'required', 'uint32'],
    ['auto_msgmni', 5, 'required', 'uint32'],
    ['shm_ctlmax', 6, 'required', 'uint64'],
    ['shm_ctlall', 7, 'required', 'uint64'],
    ['shm_ctlmni', 8, 'required', 'uint32'],
    ['shm_rmid_forced', 9, 'required', 'uint32'],
    ['mq_queues_max', 10, 'required', 'uint32'],
    ['mq_msg_max', 11, 'required', 'uint32'],
    ['mq_msgsize_max', 12, 'required', 'uint32'],
    ['mq_msg_default', 13, 'optional', 'uint32'],
    ['mq_msgsize_default', 14, 'optional', 'uint32'],
    ['msg_next_id', 15, 'optional', 'uint32'],
    ['sem_next_id', 16, 'optional', 'uint32'],
    ['shm_next_id', 17, 'optional', 'uint32'],
  ],
  ipc_shm_entry: [
    ['desc', 1, 'required', 'ipc_desc_entry'],
    ['size', 2, 'required', 'uint64'],
    ['in_pagemaps', 3, 'optional', 'bool'],
    ['hugetlb_flag', 4, 'optional', 'uint32'],
    ['mvas_park', 10000, 'optional', 'uint64'],
    ['mvas_runs', 10001, 'packed', 'uint64'],
    ['mvas_made_key', 10002, 'optional', 'uint32'],
  ],
  ipc_msg: [
    ['mtype', 1, 'required', 'uint64'],
    ['msize', 2, 'required', 'uint32'],
  ],
  ipc_msg_entry: [
    ['desc', 1, 'required', 'ipc_desc_entry'],
    ['qbytes', 2, 'required', 'uint32'],
    ['qnum', 3, 'required', 'uint32'],
  ],
  ipc_sem_entry: [
    ['desc', 1, 'required', 'ipc_desc_entry'],
    ['nsems', 2, 'required', 'uint32'],
    ['mvas_adjustments', 10000, 'repeated', 'mvas_adjustment'],
  ],
  mvas_adjustment: [
    ['pid', 1, 'required', 'uint32'],
    ['index', 2, 'required', 'uint32'],
    ['value', 3, 'required', 'sint32'],
  ],
  mnt_entry: [
    ['fstype', 1, 'required', 'uint32'],
    ['mnt_id', 2, 'required', 'uint32'],
    ['root_dev', 3, 'required', 'uint32'],
    ['parent_mnt_id', 4, 'required', 'uint32'],
    ['flags', 5, 'required', 'uint32'],
    ['root', 6, 'required', 'string'],
    ['mountpoint', 7, 'required', 'string'],
    ['source', 8, 'required', 'string'],
    ['options', 9, 'required', 'string'],
    ['shared_id', 10, 'optional', 'uint32'],
    ['master_id', 11, 'optional', 'uint32'],
    ['with_plugin', 12, 'optional', 'bool'],
    ['ext_mount', 13, 'optional', 'bool'],
    ['fsname', 14, 'optional', 'string'],
    ['internal_sharing', 15, 'optional', 'bool'],
    ['deleted', 16, 'optional', 'bool'],
    ['sb_flags', 17, 'optional', 'uint32'],
    ['ext_key', 18, 'optional', 'string'],
  ],
} as const satisfies MessageTables;

/** Numbers of this file's enums. */
export const NAMESPACES_ENUMS = {} as const satisfies EnumTables;
