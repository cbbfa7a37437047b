// SPDX-License-Identifier: Apache-2.0
import { badImage } from '../../../../../common/errors.js';
import type { TermiosEntry, TtyInfoEntry, WinsizeEntry } from '../../../../image/types.js';
import { S_IF } from '../../../../../native/abi/index.js';

/** Requests of ioctl_tty(2), asm-generic/ioctls.h. */
export const TTY = {
  setExclusive: 0x540c,
  setControlling: 0x540e,
  setForeground: 0x5410,
  type: 0x5412,
  getWindowSize: 0x5413,
  setWindowSize: 0x5414,
  setPacketMode: 0x5420,
  getDiscipline: 0x5424,
  getLockedModes: 0x5456,
  setLockedModes: 0x5457,
  getModes: 0x802c542a,
  setModes: 0x402c542b,
  getNumber: 0x80045430,
  setLock: 0x40045431,
  getDevice: 0x80045432,
  getPacketMode: 0x80045438,
  getLock: 0x80045439,
  getExclusive: 0x80045440,
  openSlave: 0x5441,
} as const;

/** The directory of the container's pseudo terminals. */
export const DEVPTS = '/dev/pts';

/** /dev/tty and /dev/ptmx: 5:0 and 5:2. */
const OWN_TERMINAL = 0x500;
const MASTER = 0x502;
const FIRST_SLAVE_MAJOR = 136;
const LAST_SLAVE_MAJOR = 143;

/** The end of a pseudo terminal; `own`: whichever terminal controls the process that opened /dev/tty. */
export type TerminalEnd = 'master' | 'slave' | 'own';

/** Which end a character device is; undefined for any other device. */
export function terminalEnd(type: number, rdev: number): TerminalEnd | undefined {
  if (type !== S_IF.chr) return undefined;
  if (rdev === MASTER) return 'master';
  if (rdev === OWN_TERMINAL) return 'own';
  const { major } = splitDevice(rdev);
  return major >= FIRST_SLAVE_MAJOR && major <= LAST_SLAVE_MAJOR ? 'slave' : undefined;
}

/** The number N of /dev/pts/N. */
export function slaveIndex(rdev: number): number {
  const { major, minor } = splitDevice(rdev);
  // include/uapi/linux/major.h: eight majors, once with 256 minors each.
  return (major - FIRST_SLAVE_MAJOR) * 256 + minor;
}

/** Device numbers as stat(2), TIOCGDEV and /proc/PID/stat have them (new_encode_dev). */
function splitDevice(rdev: number): { readonly major: number; readonly minor: number } {
  return { major: (rdev >> 8) & 0xfff, minor: (rdev & 0xff) | ((rdev >> 12) & 0xfff00) };
}

/** Device number of an end, for {@link TtyInfoEntry.rdev}. */
export function deviceOf(end: TerminalEnd, index: number): number {
  if (end === 'master') return MASTER;
  if (end === 'own') return OWN_TERMINAL;
  return (FIRST_SLAVE_MAJOR << 8) | (index & 0xff) | ((index & 0xfff00) << 12);
}

/** Whether someone outside of the container holds the master of a terminal. */
export function findConsole(ttys: readonly TtyInfoEntry[]): TtyInfoEntry | undefined {
  const masters = new Set(
    ttys.filter((one) => endOf(one) === 'master').map((one) => numberOf(one)),
  );
  return ttys.find(
    (one) => endOf(one) === 'slave' && !isHungUp(one) && !masters.has(numberOf(one)),
  );
}

/** Whether an entry stands for slaves whose masters are gone. */
export function isHungUp(info: TtyInfoEntry): boolean {
  return endOf(info) === 'slave' && info.mvas_hung_up === true;
}

/** Which end an entry describes. */
export function endOf({ id, rdev }: TtyInfoEntry): TerminalEnd {
  return terminalEnd(S_IF.chr, rdev) ?? badImage(`terminal ${String(id)} is not a pseudo terminal`);
}

/** N of the /dev/pts/N of an entry. */
export function numberOf({ id, pty }: TtyInfoEntry): number {
  const index = pty?.index ?? badImage(`terminal ${String(id)} has no number`);
  return index < 4096 ? index : badImage(`terminal ${String(id)}: its number is too high`);
}

/** `struct termios2`: four flag words, line discipline, 19 characters, two speeds. */
const TERMIOS_SIZE = 44;
const CHARACTERS = 17;
const CHARACTER_COUNT = 19;
const SPEEDS = 36;

/** Room for a `struct termios2`, or the shorter `struct termios`. */
export function emptyTermios(): Buffer {
  return Buffer.alloc(TERMIOS_SIZE);
}

/** Reads a `struct termios2`; for a `struct termios` the speeds are 0. */
export function decodeTermios(bytes: Buffer): TermiosEntry {
  return {
    c_iflag: bytes.readUInt32LE(0),
    c_oflag: bytes.readUInt32LE(4),
    c_cflag: bytes.readUInt32LE(8),
    c_lflag: bytes.readUInt32LE(12),
    c_line: bytes.readUInt8(16),
    c_ispeed: bytes.readUInt32LE(SPEEDS),
    c_ospeed: bytes.readUInt32LE(SPEEDS + 4),
    c_cc: [...bytes.subarray(CHARACTERS, CHARACTERS + CHARACTER_COUNT)],
  };
}

/** The inverse of {@link decodeTermios}. */
export function encodeTermios(termios: TermiosEntry): Buffer {
  const bytes = emptyTermios();
  const { c_iflag, c_oflag, c_cflag, c_lflag, c_line, c_ispeed, c_ospeed, c_cc } = termios;
  [c_iflag, c_oflag, c_cflag, c_lflag].forEach((word, i) => bytes.writeUInt32LE(word, i * 4));
  bytes.writeUInt8(c_line & 0xff, 16);
  c_cc.slice(0, CHARACTER_COUNT).forEach((byte, i) => (bytes[CHARACTERS + i] = byte));
  bytes.writeUInt32LE(c_ispeed, SPEEDS);
  bytes.writeUInt32LE(c_ospeed, SPEEDS + 4);
  return bytes;
}

/** Room for a `struct winsize`: rows, columns, pixels. */
export function emptyWindowSize(): Buffer {
  return Buffer.alloc(8);
}

/** Reads a `struct winsize`. */
export function decodeWindowSize(bytes: Buffer): WinsizeEntry {
  const [ws_row = 0, ws_col = 0, ws_xpixel = 0, ws_ypixel = 0] = [0, 2, 4, 6].map((at) =>
    bytes.readUInt16LE(at),
  );
  return { ws_row, ws_col, ws_xpixel, ws_ypixel };
}

/** The inverse of {@link decodeWindowSize}. */
export function encodeWindowSize(size: WinsizeEntry): Buffer {
  const bytes = emptyWindowSize();
  const { ws_row, ws_col, ws_xpixel, ws_ypixel } = size;
  [ws_row, ws_col, ws_xpixel, ws_ypixel].forEach((word, i) =>
    bytes.writeUInt16LE(word & 0xffff, i * 2),
  );
  return bytes;
}
