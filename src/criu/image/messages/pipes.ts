// SPDX-License-Identifier: Apache-2.0
// Generated from proto/criu/pipes.proto; do not edit.
/** Pipes, FIFOs and what lies unread in them. */
import type { EnumTables, MessageTables } from '../fields.js';
import type { FownEntry } from './fown.js';

/** One end of a pipe; both ends have the same `pipe_id`. */
export interface PipeEntry {
  id: number;
  pipe_id: number;
  flags: number;
  fown: FownEntry;
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
}

/** Field tables of this file's messages. */
export const PIPES_MESSAGES = {
  pipe_entry: [
    ['id', 1, 'required', 'uint32'],
    ['pipe_id', 2, 'required', 'uint32'],
    ['flags', 3, 'required', 'uint32'],
    ['fown', 4, 'required', 'fown_entry'],
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
  ],
} as const satisfies MessageTables;

/** Numbers of this file's enums. */
export const PIPES_ENUMS = {} as const satisfies EnumTables;
