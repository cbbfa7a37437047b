// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { emptyCheckpointImage } from '../../../../../src/criu/image/checkpoint-image.js';
import type { FileEntry, MvasIoUringEntry } from '../../../../../src/criu/image/types.js';
import { validateFiles } from '../../../../../src/criu/image/validate-files.js';
import { parseFdinfo } from '../../../../../src/criu/procfs/fdinfo.js';
import { FILE_KINDS } from '../../../../../src/criu/resources/files/index.js';
import { canMapRingAt } from '../../../../../src/criu/resources/files/kinds/io-uring/check.js';
import {
  hasOddUnit,
  ringBytes,
} from '../../../../../src/criu/resources/files/kinds/io-uring/layout.js';
import { ringState } from '../../../../../src/criu/resources/files/kinds/io-uring/state.js';
import { NO_OWNER, sampleImage } from '../../../../../src/criu/restore/rehearsal/sample-image.js';

const SHAPE = { sqEntries: 4, cqEntries: 8, header: 64, hasArray: true };
const NO_ARRAY = 1 << 16;

/** Heads and tails at the beginning: sq head, sq tail, cq head, cq tail. */
function rings(counts: readonly number[], shape = SHAPE): Buffer {
  const bytes = Buffer.alloc(ringBytes(shape));
  counts.forEach((count, index) => bytes.writeUInt32LE(count, index * 4));
  return bytes;
}

function entryOf(more: Partial<MvasIoUringEntry>): MvasIoUringEntry {
  return {
    ...{ id: 1, flags: 2, fown: NO_OWNER, setup_flags: 0, sq_entries: 4, cq_entries: 8 },
    ...{ requests: 20, rings: rings([20, 22, 13, 20]), entries: Buffer.alloc(256) },
    ...more,
  };
}

function validate(more: Partial<MvasIoUringEntry>): void {
  const files: FileEntry[] = [{ type: 'MVAS_IO_URING', id: 1, mvas_io_uring: entryOf(more) }];
  validateFiles({ ...emptyCheckpointImage(sampleImage().inventory), files }, FILE_KINDS);
}

test('accepts an io_uring with unread completions and requests not submitted', (t) => {
  t.notThrows(() => {
    validate({});
  });
});

test('accepts one without an array', (t) => {
  const memory = rings([20, 20, 20, 20], { ...SHAPE, hasArray: false });
  t.notThrows(() => {
    validate({ setup_flags: NO_ARRAY, rings: memory });
  });
});

const CASES: readonly (readonly [string, RegExp, Partial<MvasIoUringEntry>])[] = [
  ['one opened by O_PATH', /O_PATH/, { flags: 0o10000000 }],
  ['a thread that polls', /unknown flags/, { setup_flags: 2 }],
  ['a number of entries that is no power of two', /impossible size/, { sq_entries: 5 }],
  ['no entries', /impossible size/, { sq_entries: 0 }],
  ['too many entries', /impossible size/, { sq_entries: 1 << 16, cq_entries: 1 << 16 }],
  ['fewer completions than submissions', /impossible size/, { cq_entries: 2 }],
  ['too many completions', /impossible size/, { cq_entries: 1 << 17 }],
  ['more requests than a restore makes', /too many requests/, { requests: (1 << 26) + 1 }],
  ['shorter rings', /another size/, { rings: rings([20, 20, 20, 20]).subarray(4) }],
  ['an array that is not said to be there', /another size/, { setup_flags: NO_ARRAY }],
  ['fewer entries than it has', /another size/, { entries: Buffer.alloc(192) }],
  ['a head of submissions that lies', /contradict/, { rings: rings([19, 20, 20, 20]) }],
  ['a tail of completions that lies', /contradict/, { rings: rings([20, 20, 20, 21]) }],
  ['more unread completions than room', /contradict/, { rings: rings([20, 20, 11, 20]) }],
  ['completions read before they came', /contradict/, { rings: rings([20, 20, 21, 20]) }],
];
for (const [what, message, more] of CASES) {
  test(`refuses ${what}`, (t) => {
    t.throws(
      () => {
        validate(more);
      },
      { message, code: 15 },
    );
  });
}

test('is mapped at the offsets of its parts only', (t) => {
  t.true([0n, 0x8000000n, 0x10000000n].every(canMapRingAt));
  t.false([0x1000n, 0x80000000n].some(canMapRingAt));
});

const FDINFO = [
  ...['pos:\t0', 'flags:\t02000002', 'mnt_id:\t17', 'ino:\t5', 'SqMask:\t0x3f', 'SqHead:\t9'],
  ...['SqTail:\t9', 'CachedSqHead:\t9', 'CqMask:\t0x7f', 'CqHead:\t7', 'CqTail:\t8'],
  ...['CachedCqTail:\t8', 'SQEs:\t0', 'CQEs:\t1', '    7: user_data:1, res:0, flags:0'],
  ...['SqThread:\t-1', 'SqThreadCpu:\t-1', 'UserFiles:\t0', 'UserBufs:\t0', 'PollList:'],
];

test('reads the state of an io_uring', (t) => {
  const lines = [
    ...FDINFO,
    '  op=6, task_works=0',
    'CqOverflowList:',
    '  user_data=1, res=0, flags=0',
  ];
  t.deepEqual(ringState(parseFdinfo(Buffer.from([...lines, 'NAPI:\tdisabled', ''].join('\n')))), {
    ...{ sqEntries: 64, cqEntries: 128, taken: 9, completed: 8, hasThread: false, files: 0 },
    ...{ buffers: 0, personalities: 0, pollsSockets: false, polls: 1, overflows: 1 },
  });
});

test('does not know the state of an io_uring in use', (t) => {
  const lines = FDINFO.filter((line) => !line.startsWith('UserFiles'));
  t.is(
    ringState(parseFdinfo(Buffer.from([...lines, 'CqOverflowList:', ''].join('\n')))),
    undefined,
  );
  t.is(ringState(parseFdinfo(Buffer.from([...FDINFO, ''].join('\n')))), undefined);
});

test('tells entries that are all at even places from others', (t) => {
  t.false(hasOddUnit(Buffer.from([1, 1, 0, 0, 1, 1, 0, 0]), 2));
  t.true(hasOddUnit(Buffer.from([1, 1, 0, 0, 1, 1, 0, 1]), 2));
});
