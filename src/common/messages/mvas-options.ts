// SPDX-License-Identifier: Apache-2.0
// Generated from proto/mvas/options.proto; do not edit.
/** Package `mvas.v1`. */
import type { MessageTables } from '../wire/tables.js';
import type { Options as RuncOptionsOptions } from './runc-options.js';

/** Runtime options of a container run by this shim, in place of runc's own, which they contain. docs/options.md says what they do, and which annotations say the same. */
export interface Options {
  runc?: Partial<RuncOptionsOptions> | undefined;
  refuseCheckpoint: boolean;
  exitAfterCheckpoint: boolean;

  /** bytes; 0: none */
  vasMemoryLimit: bigint;

  /** 0: the default */
  checkpointRetryMs: bigint;

  /** what becomes of connections to the outside at a restore: close (the default), keep, refuse */
  tcp: string;

  /** what a checkpoint does with processes that came by exec: keep (the default), drop, refuse */
  exec: string;
}

export const Options = 'mvas.v1.Options';

/** Options of a checkpoint, in place of runc's. */
export interface CheckpointOptions {
  exit: boolean;

  /** directory with the changes of the root filesystem, to be copied in the same standstill; empty: none */
  changesFrom: string;

  /** where they are copied to */
  changesTo: string;

  /** ids of the copy, in the words of the mount option uidmap: inside:host:count,...; empty: as they are */
  changesUidmap: string;

  /** the same of groups; both or none */
  changesGidmap: string;

  /** it starts from the last one, if that is of a series, too, and the next one may start from it */
  series: boolean;
}

export const CheckpointOptions = 'mvas.v1.CheckpointOptions';

/** Field tables of this file's messages. */
export const MVAS_OPTIONS_MESSAGES = {
  'mvas.v1.Options': [
    ['runc', 1, 'optional', 'containerd.runc.v1.Options'],
    ['refuseCheckpoint', 2, 'implicit', 'bool'],
    ['exitAfterCheckpoint', 3, 'implicit', 'bool'],
    ['vasMemoryLimit', 4, 'implicit', 'uint64'],
    ['checkpointRetryMs', 5, 'implicit', 'uint64'],
    ['tcp', 6, 'implicit', 'string'],
    ['exec', 7, 'implicit', 'string'],
  ],
  'mvas.v1.CheckpointOptions': [
    ['exit', 1, 'implicit', 'bool'],
    ['changesFrom', 2, 'implicit', 'string'],
    ['changesTo', 3, 'implicit', 'string'],
    ['changesUidmap', 4, 'implicit', 'string'],
    ['changesGidmap', 5, 'implicit', 'string'],
    ['series', 6, 'implicit', 'bool'],
  ],
} as const satisfies MessageTables;
