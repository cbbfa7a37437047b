// SPDX-License-Identifier: Apache-2.0
// Generated from proto/criu/inventory.proto; do not edit.
/** The inventory: written last, its presence says that the checkpoint is complete. */
import type { EnumTables, MessageTables } from '../../../common/wire/tables.js';
import type { TaskKobjIdsEntry } from './pstree.js';

/** The security module whose labels are in the image. */
export type Lsmtype = 'NO_LSM' | 'SELINUX' | 'APPARMOR';

/** Names of the plugins that took part. */
export interface PluginsEntry {
  plugins: string[];
}

/** A tmpfs whose content is in `tmpfs-dev-<dev>.tar.gz.img`. */
export interface MvasTmpfsEntry {
  mount_point: string;
  dev: number;
}

/** What the checkpoint as a whole is. */
export interface InventoryEntry {
  img_version: number;
  fdinfo_per_id?: boolean | undefined;
  root_ids?: TaskKobjIdsEntry | undefined;
  ns_per_id?: boolean | undefined;
  root_cg_set?: number | undefined;
  lsmtype?: Lsmtype | undefined;
  dump_uptime?: bigint | undefined;
  pre_dump_mode?: number | undefined;
  tcp_close?: boolean | undefined;
  network_lock_method?: number | undefined;
  plugins_entry?: PluginsEntry | undefined;
  dump_criu_run_id?: string | undefined;
  allow_uprobes?: boolean | undefined;

  /** The VAS that holds the memory of all processes. */
  mvas_vas_id?: string | undefined;

  /** Version of our fields; absent in images that CRIU wrote. */
  mvas_format?: number | undefined;

  /** Mounts whose content was saved. */
  mvas_tmpfs: MvasTmpfsEntry[];
}

/** Field tables of this file's messages. */
export const INVENTORY_MESSAGES = {
  plugins_entry: [['plugins', 12, 'repeated', 'string']],
  mvas_tmpfs_entry: [
    ['mount_point', 1, 'required', 'string'],
    ['dev', 2, 'required', 'uint32'],
  ],
  inventory_entry: [
    ['img_version', 1, 'required', 'uint32'],
    ['fdinfo_per_id', 2, 'optional', 'bool'],
    ['root_ids', 3, 'optional', 'task_kobj_ids_entry'],
    ['ns_per_id', 4, 'optional', 'bool'],
    ['root_cg_set', 5, 'optional', 'uint32'],
    ['lsmtype', 6, 'optional', 'lsmtype'],
    ['dump_uptime', 8, 'optional', 'uint64'],
    ['pre_dump_mode', 9, 'optional', 'uint32'],
    ['tcp_close', 10, 'optional', 'bool'],
    ['network_lock_method', 11, 'optional', 'uint32'],
    ['plugins_entry', 12, 'optional', 'plugins_entry'],
    ['dump_criu_run_id', 13, 'optional', 'string'],
    ['allow_uprobes', 14, 'optional', 'bool'],
    ['mvas_vas_id', 10000, 'optional', 'string'],
    ['mvas_format', 10001, 'optional', 'uint32'],
    ['mvas_tmpfs', 10002, 'repeated', 'mvas_tmpfs_entry'],
  ],
} as const satisfies MessageTables;

/** Numbers of this file's enums. */
export const INVENTORY_ENUMS = {
  lsmtype: { NO_LSM: 0, SELINUX: 1, APPARMOR: 2 },
} as const satisfies EnumTables;
