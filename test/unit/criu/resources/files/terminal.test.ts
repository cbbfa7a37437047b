// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { asNsPid, asNsTid, INIT } from '../../../../../src/common/ids.js';
import { ShimError } from '../../../../../src/common/errors.js';
import type { FileEntry, TtyInfoEntry } from '../../../../../src/criu/image/types.js';
import { PlanBuilder } from '../../../../../src/criu/plan/builder.js';
import {
  emptyFilesImage,
  FilePlan,
  ScratchNames,
  type FilesImageBuilder,
  mountFacts,
} from '../../../../../src/criu/resources/files/index.js';
import {
  decodeTermios,
  decodeWindowSize,
  deviceOf,
  encodeTermios,
  encodeWindowSize,
  findConsole,
  slaveIndex,
  terminalEnd,
  type TerminalEnd,
} from '../../../../../src/criu/resources/files/kinds/terminal/terminal.js';
import { asValid } from '../../../../helpers/valid.js';

const CHARACTER_DEVICE = 0o020000;
const FOWN = { uid: 0, euid: 0, signum: 0, pid_type: 0, pid: asNsTid(0) };

function info(id: number, end: TerminalEnd, index: number, more = {}): TtyInfoEntry {
  const flags = { locked: false, exclusive: false, packet_mode: false };
  const rdev = deviceOf(end, index);
  return {
    id,
    type: 'PTY',
    ...flags,
    sid: asNsPid(0),
    pgrp: asNsPid(0),
    rdev,
    pty: { index },
    ...more,
  };
}

/** Open files on terminals, given as their info and their name; all belong to pid 1. */
function imageOf(
  ttys: readonly TtyInfoEntry[],
  files: readonly (readonly [info: number, name: string])[],
): FilesImageBuilder {
  const image = emptyFilesImage();
  image.ttys.push(...ttys);
  const entry = (id: number, name: string, mode: number): FileEntry => {
    const reg = { id, flags: 0o2, pos: 0n, fown: FOWN, name, mode, build_id: [] };
    return { id, type: 'REG', reg };
  };
  files.forEach(([terminal, name], i) => {
    const [id, regf_id] = [100 + i, 200 + i];
    const tty = { id, tty_info_id: terminal, flags: 0o2, fown: FOWN, regf_id };
    image.files.push({ id, type: 'TTY', tty }, entry(regf_id, name, CHARACTER_DEVICE | 0o620));
  });
  const fdinfo = files.map((_, fd) => ({ id: 100 + fd, type: 'TTY', fd, flags: 0 }) as const);
  image.fdinfo.set(5, fdinfo);
  image.tables.set(INIT, 5);
  return image;
}

function planOf(image: FilesImageBuilder, hasConsole: boolean): string[] {
  const builder = new PlanBuilder();
  const root = builder.sequence('root');
  const plan = new FilePlan(builder, asValid(image), {
    stdio: [null, null, null],
    hasConsole,
    sparePid: asNsPid(2),
    queuedEvents: 16_384,
    mounts: mountFacts([]),
    names: new ScratchNames(''),
  });
  plan.planOpen(root);
  plan.planForeground(INIT, root);
  return [...new Set(root.operations.map(({ what }) => what))].filter((what) =>
    /terminal|pts/.test(what),
  );
}

test('devices are told apart, and numbered as the kernel does it', (t) => {
  t.is(terminalEnd(CHARACTER_DEVICE, 0x8800), 'slave');
  t.is(terminalEnd(CHARACTER_DEVICE, 0x500), 'own');
  t.is(terminalEnd(CHARACTER_DEVICE, 0x502), 'master');
  t.is(terminalEnd(CHARACTER_DEVICE, 0x103), undefined);
  t.is(terminalEnd(0o100000, 0x8800), undefined);
  for (const index of [0, 7, 255, 256, 4095]) t.is(slaveIndex(deviceOf('slave', index)), index);
  t.is(slaveIndex(0x8901), 257);
});

test('modes and sizes are the kernel’s structures, and come back as they were', (t) => {
  const bytes = Buffer.from(Array.from({ length: 44 }, (_, i) => i + 1));
  const termios = decodeTermios(bytes);
  t.is(termios.c_iflag, 0x04030201);
  t.is(termios.c_line, 17);
  t.deepEqual(termios.c_cc.slice(0, 2), [18, 19]);
  t.is(termios.c_ospeed, 0x2c2b2a29);
  t.deepEqual(encodeTermios(termios), bytes);
  const size = decodeWindowSize(Buffer.from([1, 0, 2, 0, 3, 0, 4, 1]));
  t.deepEqual(size, { ws_row: 1, ws_col: 2, ws_xpixel: 3, ws_ypixel: 260 });
  t.deepEqual(decodeWindowSize(encodeWindowSize(size)), size);
});

test('the console is the terminal whose master is not in the container', (t) => {
  const [master, slave, own] = [info(1, 'master', 3), info(2, 'slave', 3), info(3, 'own', 3)];
  t.is(findConsole([]), undefined);
  t.is(findConsole([slave, own, master]), undefined);
  t.is(findConsole([master, slave, info(4, 'slave', 0)])?.id, 4);
});

test('PID 1 takes its terminal before it opens /dev/tty', (t) => {
  const console_ = info(1, 'slave', 0, { sid: 1, pgrp: 7 });
  const image = imageOf(
    [console_, info(2, 'own', 0)],
    [
      [2, '/dev/tty'],
      [1, '/dev/console'],
    ],
  );
  t.deepEqual(planOf(image, true), [
    'open terminal /dev/console',
    'open folder /dev/pts without following symbolic links',
    'owner of /dev/pts/0',
    'make terminal /dev/pts/0 the controlling terminal',
    'open terminal /dev/tty',
    'put group 7 in the foreground of terminal /dev/pts/0',
  ]);
});

test('terminals get their numbers, whatever lay between them', (t) => {
  const image = imageOf(
    [info(1, 'master', 3), info(2, 'slave', 3)],
    [
      [2, '/dev/pts/3'],
      [1, '/dev/pts/ptmx'],
    ],
  );
  const fillers = planOf(image, true).filter((what) => what.startsWith('pass over'));
  t.deepEqual(fillers, ['pass over a terminal']);
  t.true(planOf(image, true).includes('open terminal /dev/pts/ptmx'));
});

test('a console where there was none is refused, if the container has made its number itself', (t) => {
  const pair = imageOf([info(1, 'master', 0), info(2, 'slave', 0)], [[1, '/dev/pts/ptmx']]);
  t.notThrows(() => planOf(pair, false));
  t.throws(() => planOf(pair, true), { instanceOf: ShimError, message: /without a terminal/ });
  const console_ = imageOf([info(1, 'slave', 0)], [[1, '/dev/pts/0']]);
  t.throws(() => planOf(console_, false), { instanceOf: ShimError, message: /terminal/ });
});

test('an image whose terminals contradict each other is refused', (t) => {
  const refused = { instanceOf: ShimError, message: /terminal/ };
  const two = imageOf(
    [info(1, 'master', 0), info(2, 'slave', 0)],
    [
      [1, '/dev/pts/ptmx'],
      [1, '/dev/pts/ptmx'],
    ],
  );
  t.throws(() => planOf(two, false), refused);
  t.throws(() => planOf(imageOf([info(1, 'slave', 5000)], [[1, '/x']]), true), refused);
  t.throws(() => planOf(imageOf([], [[9, '/dev/pts/0']]), true), refused);
});
