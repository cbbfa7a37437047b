// SPDX-License-Identifier: Apache-2.0
// Generated from proto/criu/pipes.proto; do not edit.
/** Pipes, FIFOs and what lies unread in them. */
import type { EnumTables, MessageTables } from '../../../common/wire/tables.js';
import type { FownEntry } from './fown.js';

/** One end of a pipe; both ends have the same `pipe_id`. */
export interface PipeEntry {
  id: number;
  pipe_id: number;
  flags: number;
  fown: FownEntry;

  /** Owner and permissions of the pipe (fstat), the same for both ends. */
  mvas_uid?: number | undefined;
  mvas_gid?: number | undefined;
  mvas_mode?: number | undefined;
}

/** Unread data of a pipe; `bytes` bytes follow. */
export interface PipeDataEntry {
  pipe_id: number;
  bytes: number;
  size?: number | undefined;
}

/** One end of a FIFO. */
export interface FifoEntry {
  id: number;
  pipe_id: number;
  regf_id?: number | undefined;

  /** Reads, and has never seen a writer: poll(2) does not say that the last one has gone. */
  mvas_unwritten?: boolean | undefined;
}

/** Field tables of this file's messages. */
export const PIPES_MESSAGES = {
  pipe_entry: [
    ['id', 1, 'required', 'uint32'],
    ['pipe_id', 2, 'required', 'uint32'],
    ['flags', 3, 'required', 'uint32'],
    ['fown', 4, 'required', 'fown_entry'],
    ['mvas_uid', 10000, 'optional', 'uint32'],
    ['mvas_gid', 10001, 'optional', 'uint32'],
    ['mvas_mode', 10002, 'optional', 'uint32'],
  ],
  pipe_data_entry: [
    ['pipe_id', 1, 'required', 'uint32'],
    ['bytes', 2, 'required', 'uint32'],
    ['size', 3, 'optional', 'uint32'],
  ],
  fifo_entry: [
    ['id', 1, 'required', 'uint32'],
    ['pipe_id', 2, 'required', 'uint32'],
    ['regf_id', 3, 'optional', 'uint32'],
    ['mvas_unwritten', 10000, 'optional', 'bool'],
  ],
} as const satisfies MessageTables;

/** Numbers of this file's enums. */
export const PIPES_ENUMS = {} as const satisfies EnumTables;
