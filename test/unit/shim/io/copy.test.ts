// SPDX-License-Identifier: Apache-2.0
import {
  closeSync,
  constants,
  fstatSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  readdirSync,
  rmSync,
  writeSync,
} from 'node:fs';

import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { once } from 'node:events';
import test from 'ava';
import { syscall } from '../../../../src/native/index.js';
import { SYS } from '../../../../src/native/sys.js';
import { copy } from '../../../../src/shim/io/copy.js';
import { duplicate, pipe } from '../../../../src/shim/linux.js';
import { until } from '../../../helpers/run.js';

const TIOCSPTLCK = 0x40045431;
const TIOCGPTPEER = 0x5441;
const F_SETFL = 4;
const MIB = 1024 * 1024;

// The pump does not keep the process alive, which AVA takes for the end.
const alive = setInterval(() => undefined, 1000);
test.after.always(() => {
  clearInterval(alive);
});

/** Both ends of a new terminal, with echo. */
function terminal(): { readonly master: number; readonly slave: number } {
  const flags = constants.O_RDWR | constants.O_NOCTTY;
  const master = openSync('/dev/ptmx', flags);
  syscall(SYS.ioctl, master, TIOCSPTLCK, new Uint8Array(4));
  return { master, slave: syscall(SYS.ioctl, master, TIOCGPTPEER, flags) };
}

/** What can be read at once. */
function readNow(fd: number): string {
  syscall(SYS.fcntl, fd, F_SETFL, constants.O_NONBLOCK);
  const bytes = Buffer.alloc(65536);
  try {
    return bytes.toString('utf8', 0, readSync(fd, bytes));
  } catch {
    return '';
  }
}

/** Writes without waiting; returns how much there was room for. */
function writeNow(fd: number): number {
  syscall(SYS.fcntl, fd, F_SETFL, constants.O_NONBLOCK);
  try {
    return writeSync(fd, Buffer.alloc(4096));
  } catch {
    return 0;
  }
}

/** Fills a pipe until it takes no more; returns how much that was. */
async function fillUp(fd: number): Promise<number> {
  let sum = 0;
  let idle = 0;
  await until(
    'the pipe to be full',
    () => {
      const n = writeNow(fd);
      sum += n;
      idle = n === 0 ? idle + 1 : 0;
      return Promise.resolve(idle > 5);
    },
    { everyMs: 2 },
  );
  return sum;
}

/** A thread that writes so many bytes into a descriptor, closes it, and ends. */
function writer(fd: number, bytes: number): Worker {
  const code = `
    const { writeSync, closeSync } = require('node:fs');
    const { fd, bytes } = require('node:worker_threads').workerData;
    const chunk = Buffer.alloc(65536);
    for (let done = 0; done < bytes; ) done += writeSync(fd, chunk, 0, Math.min(65536, bytes - done));
    closeSync(fd);`;
  return new Worker(code, { eval: true, workerData: { fd, bytes } });
}

test('small and large writes arrive whole and in order, then both ends are closed', async (t) => {
  const [source, input] = pipe();
  const [output, sink] = pipe();
  const one = copy(source, sink);
  const text =
    Array.from({ length: 200 }, (_, i) => `line ${String(i)}\n`).join('') + 'x'.repeat(20_000);
  for (const line of text.split(/(?<=\n)/)) writeSync(input, line);
  closeSync(input);
  await one.done;
  let got = '';
  for (let more = readNow(output); more !== ''; more = readNow(output)) got += more;
  t.is(got, text);
  t.is(readSync(output, Buffer.alloc(1)), 0);
  closeSync(output);
});

test('much more than any pipe holds is copied, though nobody touches it in JavaScript', async (t) => {
  const [source, input] = pipe();
  const directory = mkdtempSync(join(tmpdir(), 'mvas-copy-'));
  t.teardown(() => {
    rmSync(directory, { recursive: true });
  });
  const path = join(directory, 'file');
  const one = copy(source, openSync(path, 'a'));
  const thread = writer(input, 8 * MIB);
  await Promise.all([one.done, once(thread, 'exit')]);
  t.is(readFileSync(path).length, 8 * MIB);
});

test('a reader that stands still holds up its own copy alone', async (t) => {
  const [stuckSource, stuckInput] = pipe();
  const [stuckOutput, stuckSink] = pipe();
  const stuck = copy(stuckSource, stuckSink);
  t.true((await fillUp(stuckInput)) >= 65536);

  const [source, input] = pipe();
  const [output, sink] = pipe();
  const other = copy(source, sink);
  writeSync(input, 'passes by');
  await until('the other copy', () => Promise.resolve(readNow(output) === 'passes by'));
  closeSync(input);
  await other.done;

  readNow(stuckOutput);
  await until('the stuck copy to go on', () => Promise.resolve(writeNow(stuckInput) > 0));
  stuck.stop();
  await stuck.done;
  for (const fd of [stuckInput, stuckOutput, output]) closeSync(fd);
});

test('lines that nobody reads take as much room as bytes', async (t) => {
  const [source, input] = pipe();
  const [output, sink] = pipe();
  const one = copy(source, sink);
  syscall(SYS.fcntl, input, F_SETFL, constants.O_NONBLOCK);
  for (let i = 0; i < 1000; i++) {
    writeSync(input, `${String(i).padStart(9)}\n`);
    await new Promise((resolve) => setImmediate(resolve));
  }
  closeSync(input);
  await one.done; // though nobody has read a byte
  t.is(readNow(output).length, 10_000);
  closeSync(output);
});

test('a copy ends when its output is closed', async (t) => {
  const [source, input] = pipe();
  const [output, sink] = pipe();
  const one = copy(source, sink);
  closeSync(output);
  writeSync(input, 'for nobody');
  await t.notThrowsAsync(one.done);
  t.throws(() => writeSync(input, 'more'), { code: 'EPIPE' });
  closeSync(input);
});

test('stopping a copy closes its descriptors, and a second time does nothing', async (t) => {
  const [source, input] = pipe();
  const [output, sink] = pipe();
  const one = copy(source, sink);
  one.stop();
  one.stop();
  await one.done;
  t.is(readSync(output, Buffer.alloc(1)), 0);
  t.throws(() => writeSync(input, 'x'), { code: 'EPIPE' });
  for (const fd of [input, output]) closeSync(fd);
});

test('a terminal is copied both ways, and to its end when it is closed', async (t) => {
  const { master, slave } = terminal();
  const [output, sink] = pipe();
  const [source, input] = pipe();
  const back = copy(duplicate(master), sink);
  const forth = copy(source, duplicate(master));
  writeSync(input, 'typed\n');
  let echo = '';
  await until('the echo', () => Promise.resolve((echo += readNow(output)) === 'typed\r\n'));
  const line = Buffer.alloc(100);
  t.is(line.toString('utf8', 0, readSync(slave, line)), 'typed\n');
  writeSync(slave, 'last words');
  closeSync(slave);
  await back.done;
  t.is(readNow(output), 'last words');
  closeSync(input);
  await forth.done;
  for (const fd of [master, output]) closeSync(fd);
});

test('an end that is no file is refused, and nothing stays open', (t) => {
  const [source, input] = pipe();
  t.throws(() => copy(source, openSync('/dev/null', 0o10000000)), {
    message: /^copy a stream: EBADF$/,
  });
  t.throws(() => fstatSync(source), { code: 'EBADF' });
  closeSync(input);
});

test('the pump takes one thread, however many copies there are', async (t) => {
  const nameOf = (tid: string): string => {
    try {
      return readFileSync(`/proc/self/task/${tid}/comm`, 'utf8').trim();
    } catch {
      return 'ended meanwhile'; // another test's
    }
  };
  const threads = (): string[] => readdirSync('/proc/self/task').map(nameOf);
  const ends = Array.from({ length: 50 }, () => {
    const [source, input] = pipe();
    const [output, sink] = pipe();
    return { copy: copy(source, sink), input, output };
  });
  await until('the thread', () => Promise.resolve(threads().includes('mvas-pump')));
  t.is(threads().filter((name) => name === 'mvas-pump').length, 1);
  for (const { input, output } of ends) {
    writeSync(input, 'x');
    closeSync(input);
    await until('its byte', () => Promise.resolve(readNow(output) === 'x'));
    closeSync(output);
  }
  await Promise.all(ends.map((one) => one.copy.done));
});

test('a text is heard of once, wherever it is cut', async (t) => {
  const [from, writer] = pipe();
  const [reader, to] = pipe();
  let heard = 0;
  const watch = { text: 'needle', heard: () => (heard += 1) };
  const { done } = copy(from, to, watch);
  let read = '';
  const pass = async (text: string): Promise<void> => {
    writeSync(writer, text);
    read = '';
    await until('the text', () => Promise.resolve((read += readNow(reader)) === text));
  };
  await pass('needl needneedl');
  await pass('x nee');
  t.is(heard, 0);
  await pass('dle and so on');
  await until('it to be heard', () => Promise.resolve(heard === 1));
  await pass('x'.repeat(20_000)); // Spliced, from now on.
  await pass('needle');
  closeSync(writer);
  await done;
  t.is(heard, 1);
  closeSync(reader);
});
