// SPDX-License-Identifier: Apache-2.0
// Generated from proto/criu/tty.proto; do not edit.
/** Terminals: the device with its modes, and open files on it. */
import type { NsPid } from '../../../common/ids.js';
import type { EnumTables, MessageTables } from '../../../common/wire/tables.js';
import type { FownEntry } from './fown.js';

/** Kinds of terminals. */
export type TtyType = 'UNKNOWN' | 'PTY' | 'CONSOLE' | 'VT' | 'CTTY' | 'EXT_TTY' | 'SERIAL';

/** Window size. */
export interface WinsizeEntry {
  ws_row: number;
  ws_col: number;
  ws_xpixel: number;
  ws_ypixel: number;
}

/** Terminal modes. */
export interface TermiosEntry {
  c_iflag: number;
  c_oflag: number;
  c_cflag: number;
  c_lflag: number;
  c_line: number;
  c_ispeed: number;
  c_ospeed: number;
  c_cc: number[];
}

/** Number of a pseudo terminal. */
export interface TtyPtyEntry {
  index: number;
}

/** A terminal. */
export interface TtyInfoEntry {
  id: number;
  type: TtyType;
  locked: boolean;
  exclusive: boolean;
  packet_mode: boolean;
  sid: NsPid;
  pgrp: NsPid;
  rdev: number;
  termios?: TermiosEntry | undefined;
  termios_locked?: TermiosEntry | undefined;
  winsize?: WinsizeEntry | undefined;
  pty?: TtyPtyEntry | undefined;
  dev?: number | undefined;
  uid?: number | undefined;
  gid?: number | undefined;

  /** Of a master: its slave was open once, and is not any more. Of a slave: its master is gone. */
  mvas_hung_up?: boolean | undefined;

  /** Permissions of a slave. */
  mvas_mode?: number | undefined;
}

/** An open file on a terminal. */
export interface TtyFileEntry {
  id: number;
  tty_info_id: number;
  flags: number;
  fown: FownEntry;
  regf_id?: number | undefined;
}

/** Unread data of a terminal. */
export interface TtyDataEntry {
  tty_id: number;
  data: Uint8Array;

  /** Of a slave in canonical mode: which of these bytes end a line, or stand for the end of the input. What is behind the last of them is a line that is being typed. */
  mvas_ends: number[];
}

/** Field tables of this file's messages. */
export const TTY_MESSAGES = {
  winsize_entry: [
    ['ws_row', 1, 'required', 'uint32'],
    ['ws_col', 2, 'required', 'uint32'],
    ['ws_xpixel', 3, 'required', 'uint32'],
    ['ws_ypixel', 4, 'required', 'uint32'],
  ],
  termios_entry: [
    ['c_iflag', 1, 'required', 'uint32'],
    ['c_oflag', 2, 'required', 'uint32'],
    ['c_cflag', 3, 'required', 'uint32'],
    ['c_lflag', 4, 'required', 'uint32'],
    ['c_line', 5, 'required', 'uint32'],
    ['c_ispeed', 6, 'required', 'uint32'],
    ['c_ospeed', 7, 'required', 'uint32'],
    ['c_cc', 8, 'repeated', 'uint32'],
  ],
  tty_pty_entry: [['index', 1, 'required', 'uint32']],
  tty_info_entry: [
    ['id', 1, 'required', 'uint32'],
    ['type', 2, 'required', 'TtyType'],
    ['locked', 3, 'required', 'bool'],
    ['exclusive', 4, 'required', 'bool'],
    ['packet_mode', 5, 'required', 'bool'],
    ['sid', 6, 'required', 'uint32'],
    ['pgrp', 7, 'required', 'uint32'],
    ['rdev', 8, 'required', 'uint32'],
    ['termios', 9, 'optional', 'termios_entry'],
    ['termios_locked', 10, 'optional', 'termios_entry'],
    ['winsize', 11, 'optional', 'winsize_entry'],
    ['pty', 12, 'optional', 'tty_pty_entry'],
    ['dev', 13, 'optional', 'uint32'],
    ['uid', 14, 'optional', 'uint32'],
    ['gid', 15, 'optional', 'uint32'],
    ['mvas_hung_up', 10000, 'optional', 'bool'],
    ['mvas_mode', 10001, 'optional', 'uint32'],
  ],
  tty_file_entry: [
    ['id', 1, 'required', 'uint32'],
    ['tty_info_id', 2, 'required', 'uint32'],
    ['flags', 3, 'required', 'uint32'],
    ['fown', 4, 'required', 'fown_entry'],
    ['regf_id', 6, 'optional', 'uint32'],
  ],
  tty_data_entry: [
    ['tty_id', 1, 'required', 'uint32'],
    ['data', 2, 'required', 'bytes'],
    ['mvas_ends', 10000, 'repeated', 'uint32'],
  ],
} as const satisfies MessageTables;

/** Numbers of this file's enums. */
export const TTY_ENUMS = {
  TtyType: { UNKNOWN: 0, PTY: 1, CONSOLE: 2, VT: 3, CTTY: 4, EXT_TTY: 5, SERIAL: 6 },
} as const satisfies EnumTables;
