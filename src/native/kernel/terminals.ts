// SPDX-License-Identifier: Apache-2.0
import type { TerminalLayout } from './layout.js';
import { readKernel, UnreadableKernel } from './memory.js';
import { MOST_IN_LIST, type KernelObjects } from './objects.js';

/** N_TTY_BUF_SIZE (drivers/tty/n_tty.c): the size of the buffer that a line discipline reads from. */
const BUFFER = 4096;
/** More than a terminal lets wait before its line discipline (drivers/tty/pty.c: 8 KiB and a buffer). */
const MOST_BEHIND = 64 * 1024;

/** What can be read at an end of a pseudo terminal. */
export interface TerminalQueue {
  /** What its line discipline has taken. */
  readonly taken: Buffer;
  /** In canonical mode: which of these bytes end a line or stand for the end of a file; all before the last of them are readable. */
  readonly ends: readonly number[];
  readonly isCanonical: boolean;
  /** What has not got to the line discipline yet, which is as full as it can be. */
  readonly behind: Buffer;
  /** Whether there is more to it: a key that is to be taken literally, a line that is being erased or was made one by a change of modes. */
  readonly isOdd: boolean;
}

/** Both ends of a pseudo terminal. */
export interface TerminalQueues {
  readonly master: TerminalQueue;
  readonly slave: TerminalQueue;
}

/** What waits at the ends of the pseudo terminal with this master, a descriptor of ours. @throws UnreadableKernel */
export function terminalQueues(
  objects: KernelObjects,
  layout: TerminalLayout,
  master: number,
): TerminalQueues {
  const { tty_struct: at, tty_ldisc } = layout;
  const own = objects.pointer(objects.privateData(master), layout.tty_file_private.tty);
  const other = objects.pointer(own, at.link);
  const [one, two] = [own, other].map((tty) =>
    objects.pointer(objects.pointer(tty, at.ldisc), tty_ldisc.ops),
  );
  if (one !== two) throw new UnreadableKernel('a line discipline of its own');
  return {
    master: queueOf(objects, layout, own),
    slave: queueOf(objects, layout, other),
  };
}

function queueOf(objects: KernelObjects, layout: TerminalLayout, tty: bigint): TerminalQueue {
  const { tty_struct, n_tty_data: at } = layout;
  const data = objects.pointer(tty, tty_struct.disc_data);
  const word = (offset: number): number => Number(objects.pointer(data, offset) % BigInt(BUFFER));
  const bit = (offset: number): boolean => objects.bit(data, offset);
  const [tail, head] = [objects.pointer(data, at.read_tail), objects.pointer(data, at.read_head)];
  const length = Number(BigInt.asUintN(64, head - tail));
  if (length > BUFFER) throw new UnreadableKernel('no buffer of a terminal');
  const start = word(at.read_tail);
  const around = <T>(all: readonly T[] | Buffer): T[] =>
    Array.from({ length }, (_, index) => all[(start + index) % BUFFER] as T);
  const marks = readKernel(data + BigInt(at.read_flags), BUFFER / 8);
  const isCanonical = bit(at.icanon);
  const places = around(Array.from({ length: BUFFER }, (_, place) => place));
  const ends = places.flatMap((place, index) =>
    isCanonical && isMarked(marks, place) ? [index] : [],
  );
  const lines = isCanonical
    ? Number(BigInt.asUintN(64, objects.pointer(data, at.canon_head) - tail))
    : 0;
  const isEchoing = objects.pointer(data, at.echo_head) !== objects.pointer(data, at.echo_tail);
  const isSplit = lines !== (ends.at(-1) ?? -1) + 1;
  return {
    taken: Buffer.from(around<number>(readKernel(data + BigInt(at.read_buf), BUFFER))),
    ...{ ends, isCanonical },
    behind: behindOf(objects, layout, objects.pointer(tty, tty_struct.port)),
    isOdd: isEchoing || isSplit || [at.lnext, at.erasing, at.push].some((one) => bit(one)),
  };
}

/** The buffers of a port, which its line discipline takes one after the other. */
function behindOf(objects: KernelObjects, layout: TerminalLayout, port: bigint): Buffer {
  const { tty_port, tty_bufhead, tty_buffer: at } = layout;
  const parts: Buffer[] = [];
  let buffer = objects.pointer(port, tty_port.buf + tty_bufhead.head);
  for (let size = 0; buffer !== 0n; buffer = objects.pointer(buffer, at.next)) {
    const number = (offset: number): number =>
      readKernel(buffer + BigInt(offset), 4).readUInt32LE(0);
    const [from, to] = [number(at.read), number(at.commit)];
    size += to - from;
    if (to < from || size > MOST_BEHIND || parts.length > MOST_IN_LIST) {
      throw new UnreadableKernel('no buffer of a terminal');
    }
    parts.push(readKernel(buffer + BigInt(at.data + from), to - from));
  }
  return Buffer.concat(parts);
}

function isMarked(marks: Buffer, place: number): boolean {
  return ((marks[place >> 3] ?? 0) & (1 << (place & 7))) !== 0;
}
