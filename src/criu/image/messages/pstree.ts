// SPDX-License-Identifier: Apache-2.0
// Generated from proto/criu/pstree.proto; do not edit.
/** The process tree, and which kernel objects processes share. */
import type { NsPid, NsTid } from '../../../common/ids.js';
import type { EnumTables, MessageTables } from '../../../common/wire/tables.js';

/** One process; the first entry is the root of the tree. */
export interface PstreeEntry {
  pid: NsPid;
  ppid: NsPid;
  pgid: NsPid;
  sid: NsPid;
  threads: NsTid[];
}

/** Equal ids mean one shared kernel object; 0 means none. */
export interface TaskKobjIdsEntry {
  vm_id: number;
  files_id: number;
  fs_id: number;
  sighand_id: number;
  pid_ns_id?: number | undefined;
  net_ns_id?: number | undefined;
  ipc_ns_id?: number | undefined;
  uts_ns_id?: number | undefined;
  mnt_ns_id?: number | undefined;
  user_ns_id?: number | undefined;
  cgroup_ns_id?: number | undefined;
  time_ns_id?: number | undefined;
}

/** Field tables of this file's messages. */
export const PSTREE_MESSAGES = {
  pstree_entry: [
    ['pid', 1, 'required', 'uint32'],
    ['ppid', 2, 'required', 'uint32'],
    ['pgid', 3, 'required', 'uint32'],
    ['sid', 4, 'required', 'uint32'],
    ['threads', 5, 'repeated', 'uint32'],
  ],
  task_kobj_ids_entry: [
    ['vm_id', 1, 'required', 'uint32'],
    ['files_id', 2, 'required', 'uint32'],
    ['fs_id', 3, 'required', 'uint32'],
    ['sighand_id', 4, 'required', 'uint32'],
    ['pid_ns_id', 5, 'optional', 'uint32'],
    ['net_ns_id', 6, 'optional', 'uint32'],
    ['ipc_ns_id', 7, 'optional', 'uint32'],
    ['uts_ns_id', 8, 'optional', 'uint32'],
    ['mnt_ns_id', 9, 'optional', 'uint32'],
    ['user_ns_id', 10, 'optional', 'uint32'],
    ['cgroup_ns_id', 11, 'optional', 'uint32'],
    ['time_ns_id', 12, 'optional', 'uint32'],
  ],
} as const satisfies MessageTables;

/** Numbers of this file's enums. */
export const PSTREE_ENUMS = {} as const satisfies EnumTables;
