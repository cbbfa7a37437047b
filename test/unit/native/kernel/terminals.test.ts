// SPDX-License-Identifier: Apache-2.0
import { setTimeout } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { AT_FDCWD, O } from '../../../../src/native/abi/index.js';
import { syscall } from '../../../../src/native/index.js';
import {
  learnKernel,
  terminalQueues,
  UnreadableKernel,
  type TerminalQueues,
} from '../../../../src/native/kernel/index.js';
import { check, closeFd, cString, SYS } from '../../../../src/native/sys.js';

const [SET_LOCK, OPEN_SLAVE, GET_MODES, SET_MODES] = [0x40045431, 0x5441, 0x802c542a, 0x402c542b];
const FLAGS = O.rdwr | O.noctty | O.cloexec | O.nonblock;
/** Of `struct termios2`. */
const LOCAL_MODES = 12;
const ECHO = 0o10;

interface Pair {
  readonly master: number;
  readonly slave: number;
  readonly look: () => TerminalQueues;
}

/** A pseudo terminal; undefined where the kernel cannot be read. */
function pairOr(t: ExecutionContext): Pair | undefined {
  const kernel = learnKernel(() => true);
  const terminals = kernel?.terminals;
  if (!terminals) {
    t.log('this kernel cannot be read');
    t.pass();
    return undefined;
  }
  const master = check('open', syscall(SYS.openat, AT_FDCWD, cString('/dev/ptmx'), FLAGS, 0));
  syscall(SYS.ioctl, master, SET_LOCK, new Uint8Array(4));
  const slave = check('open', syscall(SYS.ioctl, master, OPEN_SLAVE, FLAGS));
  t.teardown(() => {
    closeFd(slave);
    closeFd(master);
  });
  return { master, slave, look: () => terminalQueues(kernel.objects, terminals, master) };
}

function setModes(slave: number, change: (modes: number) => number): void {
  const modes = Buffer.alloc(44);
  check('get modes', syscall(SYS.ioctl, slave, GET_MODES, modes));
  modes.writeUInt32LE(change(modes.readUInt32LE(LOCAL_MODES)), LOCAL_MODES);
  check('set modes', syscall(SYS.ioctl, slave, SET_MODES, modes));
}

function write(fd: number, text: string): number {
  const bytes = Buffer.from(text, 'latin1');
  return check('write', syscall(SYS.write, fd, bytes, bytes.length));
}

/**
 * Waits until a look shows all that is expected, and asserts it. A worker of the kernel moves bytes from one end to the other,
 * and stores one thing after another: nothing follows from the part that shows already.
 */
async function shows(
  t: ExecutionContext,
  pair: Pair,
  view: (queues: TerminalQueues) => unknown,
  expected: unknown,
): Promise<void> {
  const look = (): unknown => {
    try {
      return view(pair.look());
    } catch (error) {
      // What is moved away meanwhile.
      if (error instanceof UnreadableKernel) return error;
      throw error;
    }
  };
  let seen = look();
  for (let tries = 0; tries < 6000 && !isDeepStrictEqual(seen, expected); tries++) {
    await setTimeout(10);
    seen = look();
  }
  t.deepEqual(seen, expected);
}

test('lines, other ends of lines, and the end of the input are told apart', async (t) => {
  const pair = pairOr(t);
  if (!pair) return;
  setModes(pair.slave, (modes) => modes & ~ECHO);
  write(pair.master, 'one\ntwo\x04half');
  const view = ({ slave, master }: TerminalQueues): unknown => ({
    text: slave.taken.toString('latin1'),
    ends: slave.ends,
    slave: [slave.isCanonical, slave.isOdd, slave.behind.length],
    master: [master.taken.length, master.isCanonical, master.isOdd],
  });
  await shows(t, pair, view, {
    text: 'one\ntwo\0half',
    ends: [3, 7],
    slave: [true, false, 0],
    master: [0, false, false],
  });
});

test('a buffer is read around its end', async (t) => {
  const pair = pairOr(t);
  if (!pair) return;
  setModes(pair.slave, (modes) => modes & ~(ECHO | 2));
  const room = Buffer.alloc(4096);
  for (let round = 0; round < 5; round++) {
    const text = String.fromCharCode(97 + round).repeat(1500);
    write(pair.master, text);
    await shows(t, pair, ({ slave }) => slave.taken.toString('latin1'), text);
    t.is(syscall(SYS.read, pair.slave, room, room.length), 1500);
  }
});

test('what does not fit is behind, in order', async (t) => {
  const pair = pairOr(t);
  if (!pair) return;
  setModes(pair.slave, (modes) => modes & ~(ECHO | 2));
  const text = Array.from({ length: 7000 }, (_, index) => String.fromCharCode(33 + (index % 90)));
  t.is(write(pair.slave, text.join('')), 7000);
  const view = ({ master }: TerminalQueues): unknown => ({
    taken: master.taken.length,
    text: Buffer.concat([master.taken, master.behind]).toString('latin1'),
  });
  await shows(t, pair, view, { taken: 4095, text: text.join('') });
});

test('a key that takes the next one literally is odd', async (t) => {
  const pair = pairOr(t);
  if (!pair) return;
  setModes(pair.slave, (modes) => modes & ~ECHO);
  const view = ({ slave }: TerminalQueues): unknown => [
    slave.isOdd,
    slave.taken.toString('latin1'),
  ];
  write(pair.master, 'a\x16');
  await shows(t, pair, view, [true, 'a']);
  write(pair.master, '\x03');
  await shows(t, pair, view, [false, 'a\x03']);
});
