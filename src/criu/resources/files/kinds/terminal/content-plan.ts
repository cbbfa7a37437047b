// SPDX-License-Identifier: Apache-2.0
import { ShimError } from '../../../../../common/errors.js';
import { SYS } from '../../../../../native/sys.js';
import { O } from '../../../../../native/abi/index.js';
import type { TermiosEntry, TtyDataEntry } from '../../../../image/types.js';
import { RowAddress } from '../../../../plan/row.js';
import type { Stage } from '../../stage.js';
import { LOCAL, MOST_TAKEN, NEWLINE } from './content.js';
import { encodeTermios, TTY } from './terminal.js';

/** Indices of `c_cc` (asm-generic/termbits.h), and a key for the first of them. */
const [EOF_CHARACTER, LINE_CHARACTER] = [4, 11];
const END_OF_FILE = 0x04;
const CHARACTERS = 19;
/** Bytes of a row that has one. */
const ROW = 8;
/** The smallest buffer, and the limit for all of them (drivers/tty/pty.c). */
const PIECE = 256;
const BUFFERS = 8192;

/** A terminal that is being made, with the modes that it has. */
export interface MadeTerminal {
  /** The path of its slave. */
  readonly path: string;
  readonly master: number;
  readonly termios: TermiosEntry;
  readonly input: TtyDataEntry | undefined;
  readonly output: TtyDataEntry | undefined;
}

/**
 * Puts what waits at the ends of a terminal into their line disciplines, byte by byte, so that it is there at once
 * (TIOCSTI), and in modes in which nothing is done to it. Sets the right modes afterwards. Those must not be locked yet.
 *
 * @throws ShimError `failedPrecondition` in a user namespace, where the kernel does not permit it
 */
export function planContent(stage: Stage, terminal: MadeTerminal): void {
  const { path, input, output } = terminal;
  if (!input && !output) return;
  if (stage.mostBuffer !== undefined) {
    const what = `terminal ${path} has unread data, which cannot be put back in a user namespace`;
    throw new ShimError('failedPrecondition', `${what}; remedy: try again once it is read`);
  }
  if (output) planOutput(stage, terminal, output.data);
  if (input) planInput(stage, terminal, input);
  setModes(stage, terminal, terminal.termios);
}

function withSlave(stage: Stage, { path }: MadeTerminal, work: (slave: number) => void): void {
  const slave = stage.reserve();
  const flags = O.rdwr | O.noctty | O.nonblock;
  stage.openPath(`open terminal ${path}`, slave, path, { flags });
  work(slave);
  stage.close(slave);
}

/** What the master's line discipline has no room for waits before it, as if the slave had just written it. */
function planOutput(stage: Stage, terminal: MadeTerminal, data: Uint8Array): void {
  const { path, master, termios } = terminal;
  type(stage, path, master, data.subarray(0, MOST_TAKEN));
  const rest = data.subarray(MOST_TAKEN);
  if (rest.length === 0) return;
  setModes(stage, terminal, { ...termios, c_oflag: 0 });
  withSlave(stage, terminal, (slave) => {
    for (const piece of piecesOf(rest)) {
      const args = [slave, stage.builder.data(piece, 1), piece.length];
      stage.run(`write to terminal ${path}`, SYS.write, args, piece.length);
    }
  });
}

/**
 * Pieces of which the kernel has room for as many bytes as it ever has: a piece of so many bytes gets a buffer for
 * twice as many, and while all buffers have not got more than the limit, there is one more of any size
 * (drivers/tty/tty_buffer.c).
 */
function piecesOf(bytes: Uint8Array): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let at = 0;
  for (; at < bytes.length && at < 2 * BUFFERS; at += PIECE) {
    pieces.push(bytes.subarray(at, at + PIECE));
  }
  if (at < bytes.length) pieces.push(bytes.subarray(at));
  return pieces;
}

function planInput(stage: Stage, terminal: MadeTerminal, input: TtyDataEntry): void {
  const { termios } = terminal;
  const quiet = {
    ...termios,
    ...{ c_iflag: 0, c_lflag: termios.c_lflag & LOCAL.canonical, c_cc: noCharacters() },
  };
  setModes(stage, terminal, quiet);
  withSlave(stage, terminal, (slave) => {
    typeLines(stage, { ...terminal, termios: quiet }, slave, input);
  });
}

function typeLines(stage: Stage, terminal: MadeTerminal, slave: number, input: TtyDataEntry): void {
  const { path, termios: quiet } = terminal;
  const { data, mvas_ends: ends } = input;
  let done = 0;
  for (const end of ends) {
    const byte = data[end] ?? 0;
    if (byte === NEWLINE) continue;
    type(stage, path, slave, data.subarray(done, end));
    // The end of the input is kept as a byte of 0.
    const [character, key] = byte === 0 ? [EOF_CHARACTER, END_OF_FILE] : [LINE_CHARACTER, byte];
    const c_cc = noCharacters();
    c_cc[character] = key;
    setModes(stage, terminal, { ...quiet, c_cc });
    type(stage, path, slave, Uint8Array.of(key));
    setModes(stage, terminal, quiet);
    done = end + 1;
  }
  type(stage, path, slave, data.subarray(done));
}

/** None is special (_POSIX_VDISABLE). */
function noCharacters(): number[] {
  return new Array<number>(CHARACTERS).fill(0);
}

function setModes(stage: Stage, { path, master }: MadeTerminal, termios: TermiosEntry): void {
  const modes = stage.builder.data(encodeTermios(termios));
  stage.run(`modes of terminal ${path}`, SYS.ioctl, [master, TTY.setModes, modes]);
}

function type(stage: Stage, path: string, end: number, bytes: Uint8Array): void {
  if (bytes.length === 0) return;
  const rows = Buffer.alloc(bytes.length * ROW);
  bytes.forEach((byte, index) => rows.writeUInt8(byte, index * ROW));
  const what = (): string => `unread data of terminal ${path}`;
  const body = stage.builder.sequence('');
  stage.withSequence(body).run('type', SYS.ioctl, [end, TTY.type, new RowAddress(0)]);
  body.end();
  stage.sequence.each({ data: stage.builder.data(rows), width: ROW, what }, body);
}
