// SPDX-License-Identifier: Apache-2.0
import test, { type ExecutionContext } from 'ava';
import { AT_FDCWD, O } from '../../../../src/native/abi/index.js';
import { syscall } from '../../../../src/native/index.js';
import {
  learnKernel,
  terminalQueues,
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

/** Waits until a look shows it. */
async function until(
  t: ExecutionContext,
  pair: Pair,
  shows: (queues: TerminalQueues) => boolean,
): Promise<TerminalQueues> {
  for (let tries = 0; tries < 500; tries++) {
    const queues = pair.look();
    if (shows(queues)) return queues;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  t.fail('it does not show');
  return pair.look();
}

test('lines, other ends of lines, and the end of the input are told apart', async (t) => {
  const pair = pairOr(t);
  if (!pair) return;
  setModes(pair.slave, (modes) => modes & ~ECHO);
  write(pair.master, 'one\ntwo\x04half');
  const { slave, master } = await until(t, pair, (queues) => queues.slave.taken.length === 12);
  t.is(slave.taken.toString('latin1'), 'one\ntwo\0half');
  t.deepEqual(slave.ends, [3, 7]);
  t.deepEqual([slave.isCanonical, slave.isOdd, slave.behind.length], [true, false, 0]);
  t.deepEqual([master.taken.length, master.isCanonical, master.isOdd], [0, false, false]);
});

test('a buffer is read around its end', async (t) => {
  const pair = pairOr(t);
  if (!pair) return;
  setModes(pair.slave, (modes) => modes & ~(ECHO | 2));
  const room = Buffer.alloc(4096);
  for (let round = 0; round < 5; round++) {
    const text = String.fromCharCode(97 + round).repeat(1500);
    write(pair.master, text);
    const { slave } = await until(t, pair, (queues) => queues.slave.taken.length === 1500);
    t.is(slave.taken.toString('latin1'), text);
    t.is(syscall(SYS.read, pair.slave, room, room.length), 1500);
  }
});

test('what does not fit is behind, in order', async (t) => {
  const pair = pairOr(t);
  if (!pair) return;
  setModes(pair.slave, (modes) => modes & ~(ECHO | 2));
  const text = Array.from({ length: 7000 }, (_, index) => String.fromCharCode(33 + (index % 90)));
  t.is(write(pair.slave, text.join('')), 7000);
  const { master } = await until(t, pair, (queues) => queues.master.taken.length === 4095);
  t.is(Buffer.concat([master.taken, master.behind]).toString('latin1'), text.join(''));
});

test('a key that takes the next one literally is odd', async (t) => {
  const pair = pairOr(t);
  if (!pair) return;
  setModes(pair.slave, (modes) => modes & ~ECHO);
  write(pair.master, 'a\x16');
  await until(t, pair, ({ slave }) => slave.isOdd && slave.taken.length === 1);
  write(pair.master, '\x03');
  const { slave } = await until(t, pair, (queues) => !queues.slave.isOdd);
  t.is(slave.taken.toString('latin1'), 'a\x03');
});
