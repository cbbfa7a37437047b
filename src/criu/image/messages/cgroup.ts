// SPDX-License-Identifier: Apache-2.0
// Generated from proto/criu/cgroup.proto; do not edit.
/** Control groups: the sets that tasks belong to, the directories with their properties. */
import type { EnumTables, MessageTables } from '../../../common/wire/tables.js';

/** Mode and owner of a cgroup file. */
export interface CgroupPerms {
  mode: number;
  uid: number;
  gid: number;
}

/** A cgroup file and its content. */
export interface CgroupPropEntry {
  name: string;
  value: string;
  perms?: CgroupPerms | undefined;
}

/** A cgroup with its children. */
export interface CgroupDirEntry {
  dir_name: string;
  children: CgroupDirEntry[];
  properties: CgroupPropEntry[];
  dir_perms?: CgroupPerms | undefined;
}

/** A hierarchy. */
export interface CgControllerEntry {
  cnames: string[];
  dirs: CgroupDirEntry[];
  is_threaded?: boolean | undefined;
}

/** Place of a task in a hierarchy. */
export interface CgMemberEntry {
  name: string;
  path: string;
  cgns_prefix?: number | undefined;
}

/** Places in all hierarchies. */
export interface CgSetEntry {
  id: number;
  ctls: CgMemberEntry[];
}

/** All of them. */
export interface CgroupEntry {
  sets: CgSetEntry[];
  controllers: CgControllerEntry[];
}

/** Field tables of this file's messages. */
export const CGROUP_MESSAGES = {
  cgroup_perms: [
    ['mode', 1, 'required', 'uint32'],
    ['uid', 2, 'required', 'uint32'],
    ['gid', 3, 'required', 'uint32'],
  ],
  cgroup_prop_entry: [
    ['name', 1, 'required', 'string'],
    ['value', 2, 'required', 'string'],
    ['perms', 3, 'optional', 'cgroup_perms'],
  ],
  cgroup_dir_entry: [
    ['dir_name', 1, 'required', 'string'],
    ['children', 2, 'repeated', 'cgroup_dir_entry'],
    ['properties', 3, 'repeated', 'cgroup_prop_entry'],
    ['dir_perms', 4, 'optional', 'cgroup_perms'],
  ],
  cg_controller_entry: [
    ['cnames', 1, 'repeated', 'string'],
    ['dirs', 2, 'repeated', 'cgroup_dir_entry'],
    ['is_threaded', 3, 'optional', 'bool'],
  ],
  cg_member_entry: [
    ['name', 1, 'required', 'string'],
    ['path', 2, 'required', 'string'],
    ['cgns_prefix', 3, 'optional', 'uint32'],
  ],
  cg_set_entry: [
    ['id', 1, 'required', 'uint32'],
    ['ctls', 2, 'repeated', 'cg_member_entry'],
  ],
  cgroup_entry: [
    ['sets', 1, 'repeated', 'cg_set_entry'],
    ['controllers', 2, 'repeated', 'cg_controller_entry'],
  ],
} as const satisfies MessageTables;

/** Numbers of this file's enums. */
export const CGROUP_ENUMS = {} as const satisfies EnumTables;
