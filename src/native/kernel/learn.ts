// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { AF, AT_FDCWD, MSG, O, POLL, SOCK } from '../abi/index.js';
import { KernelTypes } from '../btf.js';
import { syscall } from '../index.js';
import { closeFd, cString, SYS } from '../sys.js';
import {
  keysIn,
  ringsIn,
  socketsIn,
  terminalsIn,
  type KeyLayout,
  type RingLayout,
  type TerminalLayout,
} from './layout.js';
import { openKernelMemory, readKernel, UnreadableKernel } from './memory.js';
import { KernelObjects } from './objects.js';
import {
  addressOfFragment,
  buffersOf,
  bytesOf,
  type Fragment,
  type PageShift,
} from './socket-buffers.js';
import { terminalQueues, type TerminalQueues } from './terminals.js';

const TYPES = '/sys/kernel/btf/vmlinux';
/** Enough for pages beside the buffer's own, and for two buffers. */
const SAMPLE_BYTES = 60_000;
/** A sample of terminals, and how it is echoed. */
const PTMX = '/dev/ptmx';
const TYPED = 'ab\ncd';
const ECHOED = 'ab\r\ncd';
const PATIENCE_MS = 100;
/** Requests of ioctl_tty(2). */
const TIOCSPTLCK = 0x40045431;
const TIOCGPTPEER = 0x5441;
/** Where the kernel places memory at random, it does so in steps of this (kaslr.c of mm). */
const STEP = 1n << 30n;
/** As much of a sample as is compared at a place where it may be. */
const PROBE = 64;

/** What is needed to look at what the kernel has. */
export interface KernelView {
  readonly objects: KernelObjects;
  readonly shift: PageShift;
  /** Undefined: terminals are not understood. */
  readonly terminals: TerminalLayout | undefined;
  /** Undefined: io_urings are not understood. */
  readonly rings: RingLayout | undefined;
  /** Undefined: keys of TCP sockets are not understood. */
  readonly keys: KeyLayout | undefined;
}

/** Undefined: not tried yet. */
let view: KernelView | false | undefined;

/** What {@link learnKernel} has found, without trying anything. */
export function learnedKernel(): KernelView | undefined {
  return view === false ? undefined : view;
}

/**
 * Finds out how this kernel keeps what it is asked for: from its types, and from a sample that this process makes and
 * reads back, so that what is not understood is not used. Takes 0.1 to 0.3 s at its first call in a process and those that it
 * was forked from.
 *
 * @param mayLoad asked before a program is loaded
 */
export function learnKernel(mayLoad: () => boolean): KernelView | undefined {
  if (process.env['MVAS_NO_BPF'] !== undefined) return undefined;
  if (view === undefined && openKernelMemory(mayLoad)) view = learn() ?? false;
  return learnedKernel();
}

function learn(): KernelView | undefined {
  try {
    const types = new KernelTypes(readFileSync(TYPES));
    const layout = socketsIn(types);
    if (!layout) return undefined;
    const objects = new KernelObjects(layout);
    const shift = learnShift(objects);
    const terminals = terminalsIn(types);
    const isKnown = terminals !== undefined && isTerminal(objects, terminals);
    if (shift === undefined) return undefined;
    return {
      ...{ objects, shift, terminals: isKnown ? terminals : undefined },
      ...{ rings: ringsIn(types), keys: keysIn(types) },
    };
  } catch {
    return undefined; // A kernel without types, or one of another kind.
  }
}

function learnShift(objects: KernelObjects): PageShift | undefined {
  const pair = new Uint32Array(2);
  const made = new Uint8Array(pair.buffer);
  if (syscall(SYS.socketpair, AF.unix, SOCK.stream | O.cloexec, 0, made) < 0) return undefined;
  const [from = 0, to = 0] = pair;
  try {
    const sample = randomBytes(SAMPLE_BYTES);
    const sent = syscall(SYS.sendto, from, sample, sample.length, MSG.dontwait, null, 0);
    const buffers = buffersOf(objects, objects.sockOf(to));
    const [first] = buffers;
    const [fragment] = first?.fragments ?? [];
    if (sent < 0 || !first || !fragment) return undefined;
    const shift = findShift(fragment, first.start, sample.subarray(first.ownLength));
    const bytes = Buffer.concat(buffers.map((one) => bytesOf(one, shift)));
    return bytes.equals(sample.subarray(0, sent)) ? shift : undefined;
  } finally {
    closeFd(from);
    closeFd(to);
  }
}

/** Whether a terminal that has taken a line and a half looks like one. */
function isTerminal(objects: KernelObjects, layout: TerminalLayout): boolean {
  const master = syscall(SYS.openat, AT_FDCWD, cString(PTMX), O.rdwr | O.noctty | O.cloexec, 0);
  if (master < 0) return false;
  syscall(SYS.ioctl, master, TIOCSPTLCK, new Uint8Array(4));
  const slave = syscall(SYS.ioctl, master, TIOCGPTPEER, O.rdwr | O.noctty | O.cloexec);
  try {
    syscall(SYS.write, master, Buffer.from(TYPED), TYPED.length);
    waitFor(slave);
    waitFor(master);
    const queues = terminalQueues(objects, layout, master);
    return isSample(queues);
  } catch {
    return false;
  } finally {
    if (slave >= 0) closeFd(slave);
    closeFd(master);
  }
}

function isSample({ slave, master }: TerminalQueues): boolean {
  const { taken, behind } = master;
  const isTaken = slave.taken.toString() === TYPED && slave.behind.length === 0 && !slave.isOdd;
  const isMarked = slave.isCanonical && slave.ends.join() === String(TYPED.indexOf('\n'));
  const isEchoed = Buffer.concat([taken, behind]).toString() === ECHOED;
  return isTaken && isMarked && isEchoed && !master.isCanonical;
}

/** Waits until there is something to be read, which also has what was written taken by the line discipline. */
function waitFor(fd: number): void {
  const entry = Buffer.alloc(8);
  entry.writeInt32LE(fd, 0);
  entry.writeInt16LE(POLL.in, 4);
  syscall(SYS.poll, entry, 1, PATIENCE_MS);
}

/**
 * Where the memory of pages is, given a fragment, its first bytes, and an address in other memory of that kind: it is
 * not further from that than all the memory there is.
 */
function findShift(fragment: Fragment, near: bigint, bytes: Buffer): PageShift {
  const probe = bytes.subarray(0, Math.min(PROBE, fragment.length));
  const within = addressOfFragment(fragment, 0n) % STEP;
  const base = near - (near % STEP) + within;
  const most = memoryEnd() / STEP + 1n;
  for (let steps = 0n; steps <= most; steps++) {
    for (const place of [base + steps * STEP, base - steps * STEP]) {
      if (isAt(place, probe)) return BigInt.asUintN(64, place - addressOfFragment(fragment, 0n));
    }
  }
  throw new UnreadableKernel('no memory of pages');
}

function isAt(place: bigint, bytes: Buffer): boolean {
  try {
    return readKernel(place, bytes.length).equals(bytes);
  } catch {
    return false;
  }
}

/** The end of the machine's memory, as its devices see it. */
function memoryEnd(): bigint {
  const lines = readFileSync('/proc/iomem', 'utf8').matchAll(
    /^\s*[0-9a-f]+-([0-9a-f]+) : System RAM/gm,
  );
  const ends = Array.from(lines, ([, end = '0']) => BigInt(`0x${end}`));
  return ends.reduce((most, one) => (one > most ? one : most), 2n * BigInt(totalmem()));
}
