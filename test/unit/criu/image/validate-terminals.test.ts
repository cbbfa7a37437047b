// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { ShimError } from '../../../../src/common/errors.js';
import { asNsPid } from '../../../../src/common/ids.js';
import type { TtyDataEntry, TtyInfoEntry } from '../../../../src/criu/image/types.js';
import {
  checkContent,
  MOST_TAKEN,
} from '../../../../src/criu/resources/files/kinds/terminal/content.js';
import {
  decodeTermios,
  deviceOf,
  emptyTermios,
} from '../../../../src/criu/resources/files/kinds/terminal/terminal.js';

const [SLAVE, MASTER] = [1, 2];
const [CANONICAL, EXTERNAL] = [0o2, 0o200000];

function info(end: 'master' | 'slave', modes: number, index = 3): TtyInfoEntry {
  return {
    ...{ id: end === 'slave' ? SLAVE : MASTER, type: 'PTY', rdev: deviceOf(end, index) },
    ...{ locked: false, exclusive: false, packet_mode: false, sid: asNsPid(0), pgrp: asNsPid(0) },
    ...{ pty: { index }, termios: { ...decodeTermios(emptyTermios()), c_lflag: modes } },
  };
}

function content(tty_id: number, text: string, mvas_ends: number[] = []): TtyDataEntry {
  return { tty_id, data: Buffer.from(text, 'latin1'), mvas_ends };
}

const PAIR = [info('slave', CANONICAL), info('master', 0)];
const RAW = [info('slave', 0), info('master', 0)];
type Case = readonly [string, readonly TtyDataEntry[], readonly TtyInfoEntry[]];

for (const [what, entries, ttys] of [
  ['lines, and one that is being typed', [content(SLAVE, 'a\nb;c\0half', [1, 3, 5])], PAIR],
  ['newlines of a raw terminal', [content(SLAVE, 'a\nb')], RAW],
  ['as much as a line discipline takes', [content(SLAVE, 'x'.repeat(MOST_TAKEN))], RAW],
  ['both ends', [content(SLAVE, 'a'), content(MASTER, 'b\n')], PAIR],
] satisfies Case[]) {
  test(`accepts ${what}`, (t) => {
    t.notThrows(() => {
      checkContent(entries, ttys);
    });
  });
}

const LONG = 'x'.repeat(MOST_TAKEN + 1);

for (const [what, message, entries, ttys] of [
  ['no terminal', /terminal 9 does not exist/, [content(9, 'a')], PAIR],
  ['one twice', /1 is there twice/, [content(SLAVE, 'a'), content(SLAVE, 'a')], PAIR],
  [
    'another master',
    /has no master/,
    [content(SLAVE, 'a')],
    [info('slave', 0), info('master', 0, 4)],
  ],
  ['none', /has no master/, [content(SLAVE, 'a')], [{ ...info('slave', 0), mvas_hung_up: true }]],
  ['too much input', /has too much/, [content(SLAVE, LONG)], PAIR],
  ['too much output', /has too much/, [content(MASTER, LONG.repeat(8))], PAIR],
  ['lines of a master', /a master has no lines/, [content(MASTER, 'a\n', [1])], PAIR],
  ['lines in raw mode', /a raw one has no lines/, [content(SLAVE, 'a\n', [1])], RAW],
  ['lines in disorder', /no such lines/, [content(SLAVE, 'a\nb\n', [3, 1])], PAIR],
  ['a line twice', /no such lines/, [content(SLAVE, 'a\nb\n', [1, 1, 3])], PAIR],
  ['a line behind all', /no such lines/, [content(SLAVE, 'a\n', [1, 2])], PAIR],
  ['a newline within a line', /no such lines/, [content(SLAVE, 'a\nb\n', [3])], PAIR],
  [
    'lines that the master edits',
    /has no unread data/,
    [content(SLAVE, 'a')],
    [info('slave', EXTERNAL), info('master', 0)],
  ],
] satisfies (readonly [string, RegExp, TtyDataEntry[], TtyInfoEntry[]])[]) {
  test(`refuses ${what}`, (t) => {
    const work = (): void => {
      checkContent(entries, ttys);
    };
    t.is(t.throws(work, { instanceOf: ShimError, message }).kind, 'dataLoss');
  });
}
