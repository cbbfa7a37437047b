// SPDX-License-Identifier: Apache-2.0
// Generated from proto/criu/creds.proto; do not edit.
/** Credentials of a thread and seccomp filters. */
import type { EnumTables, MessageTables } from '../../../common/wire/tables.js';

/** Credentials; capability sets are pairs of 32-bit words, low word first. */
export interface CredsEntry {
  uid: number;
  gid: number;
  euid: number;
  egid: number;
  suid: number;
  sgid: number;
  fsuid: number;
  fsgid: number;
  cap_inh: number[];
  cap_prm: number[];
  cap_eff: number[];
  cap_bnd: number[];
  secbits: number;
  groups: number[];
  lsm_profile?: string | undefined;
  lsm_sockcreate?: string | undefined;
  apparmor_data?: Uint8Array | undefined;
  no_new_privs?: number | undefined;
  cap_amb: number[];
}

/** One filter; `filter` is an array of struct sock_filter, `prev` the index of the one installed before. */
export interface SeccompFilter {
  filter: Uint8Array;
  prev?: number | undefined;
  flags?: number | undefined;
}

/** All filters of the tree. */
export interface SeccompEntry {
  seccomp_filters: SeccompFilter[];
}

/** Field tables of this file's messages. */
export const CREDS_MESSAGES = {
  creds_entry: [
    ['uid', 1, 'required', 'uint32'],
    ['gid', 2, 'required', 'uint32'],
    ['euid', 3, 'required', 'uint32'],
    ['egid', 4, 'required', 'uint32'],
    ['suid', 5, 'required', 'uint32'],
    ['sgid', 6, 'required', 'uint32'],
    ['fsuid', 7, 'required', 'uint32'],
    ['fsgid', 8, 'required', 'uint32'],
    ['cap_inh', 9, 'repeated', 'uint32'],
    ['cap_prm', 10, 'repeated', 'uint32'],
    ['cap_eff', 11, 'repeated', 'uint32'],
    ['cap_bnd', 12, 'repeated', 'uint32'],
    ['secbits', 13, 'required', 'uint32'],
    ['groups', 14, 'repeated', 'uint32'],
    ['lsm_profile', 15, 'optional', 'string'],
    ['lsm_sockcreate', 16, 'optional', 'string'],
    ['apparmor_data', 17, 'optional', 'bytes'],
    ['no_new_privs', 18, 'optional', 'uint32'],
    ['cap_amb', 19, 'repeated', 'uint32'],
  ],
  seccomp_filter: [
    ['filter', 1, 'required', 'bytes'],
    ['prev', 2, 'optional', 'uint32'],
    ['flags', 3, 'optional', 'uint32'],
  ],
  seccomp_entry: [['seccomp_filters', 1, 'repeated', 'seccomp_filter']],
} as const satisfies MessageTables;

/** Numbers of this file's enums. */
export const CREDS_ENUMS = {} as const satisfies EnumTables;
