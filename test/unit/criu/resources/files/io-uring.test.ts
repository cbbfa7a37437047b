// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { asNsPid, asNsTid, INIT } from '../../../../../src/common/ids.js';
import { emptyCheckpointImage } from '../../../../../src/criu/image/checkpoint-image.js';
import type {
  CoreEntry,
  FileEntry,
  MmEntry,
  MvasIoUringEntry,
  MvasRingBuffer,
  MvasRingBuffers,
  MvasRingFiles,
} from '../../../../../src/criu/image/types.js';
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
    descriptors: [],
    ...more,
  };
}

const AREAS = [
  { start: 0x1000n, end: 0x2000n, prot: 3 },
  { start: 0x2000n, end: 0x3000n, prot: 2 },
  { start: 0x3000n, end: 0x8000n, prot: 1 },
];
/** A process with two threads. */
const IMAGE = {
  ...emptyCheckpointImage(sampleImage().inventory),
  pstree: [{ pid: INIT, ppid: asNsPid(0), pgid: INIT, sid: INIT, threads: [1, 2].map(asNsTid) }],
  cores: new Map([1, 2].map((tid) => [asNsTid(tid), {} as CoreEntry])),
  mms: new Map([[INIT, { vmas: AREAS } as unknown as MmEntry]]),
};

function validate(more: Partial<MvasIoUringEntry>): void {
  const files: FileEntry[] = [{ type: 'MVAS_IO_URING', id: 1, mvas_io_uring: entryOf(more) }];
  validateFiles({ ...IMAGE, files }, FILE_KINDS);
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

const AT_2 = { index: 2, file: 1, tag: 0n };

function tableOf(more: Partial<MvasRingFiles>): MvasRingFiles {
  return { size: 8, from: 0, to: 2, files: [], ...more };
}

/** In the memory of pid 1. */
function buffersOf(
  more: Partial<MvasRingBuffers>,
  ...buffers: readonly Partial<MvasRingBuffer>[]
): MvasRingBuffers {
  const usual = { index: 1, address: 0x1000n, length: 0x2000, tag: 5n };
  const all = buffers.map((one) => ({ ...usual, ...one }));
  return { size: 8, tid: 1, buffers: all, ...more };
}

test('accepts registered buffers', (t) => {
  t.notThrows(() => {
    validate({ buffers: buffersOf({}, {}, { index: 2, address: 0x2fffn, length: 1 }) });
  });
  t.notThrows(() => {
    validate({ buffers: buffersOf({ tid: 2 }) });
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
  ['an issuer of one that all may use', /nobody may use/, { issuer: 1 }],
  ['no issuer of one that only one may use', /nobody may use/, { setup_flags: 1 << 12 }],
  ['an issuer that is no thread', /no thread 9/, { setup_flags: 1 << 12, issuer: 9 }],
  ['a descriptor of no thread', /no thread 9/, { descriptors: [{ tid: 9, index: 0 }] }],
  ['an unknown clock', /clock/, { clock: 8 }],
  ['an eventfd that does not exist', /file 3 does not exist/, { eventfd: 3 }],
  ['a way to tell an eventfd that is not there', /without an eventfd/, { eventfd_async: true }],
  ['a table of no files', /impossible table/, { registered: tableOf({ size: 0 }) }],
  ['too large a table', /impossible table/, { registered: tableOf({ size: (1 << 20) + 1 }) }],
  ['a range outside of the table', /impossible table/, { registered: tableOf({ to: 9 }) }],
  [
    'a range that ends before it begins',
    /impossible table/,
    { registered: tableOf({ from: 5, to: 4 }) },
  ],
  ['two files in one place', /impossible place/, { registered: tableOf({ files: [AT_2, AT_2] }) }],
  [
    'a file outside of the table',
    /impossible place/,
    { registered: tableOf({ size: 2, files: [AT_2] }) },
  ],
  [
    'a file that does not exist',
    /file 7 cannot/,
    { registered: tableOf({ files: [{ ...AT_2, file: 7 }] }) },
  ],
  ['an io_uring in an io_uring', /file 1 cannot/, { registered: tableOf({ files: [AT_2] }) }],
  ['a table of no buffers', /impossible table of buffers/, { buffers: buffersOf({ size: 0 }) }],
  ['too many buffers', /impossible table of buffers/, { buffers: buffersOf({ size: 16_385 }) }],
  ['two buffers in one place', /impossible place/, { buffers: buffersOf({}, {}, {}) }],
  ['a buffer outside of the table', /impossible place/, { buffers: buffersOf({}, { index: 8 }) }],
  ['a buffer of nothing', /impossible buffer/, { buffers: buffersOf({}, { length: 0 }) }],
  [
    'a buffer that is not to be written to',
    /impossible buffer/,
    { buffers: buffersOf({}, { address: 0x3000n }) },
  ],
  [
    'a buffer that ends beyond what is mapped',
    /impossible buffer/,
    { buffers: buffersOf({}, { length: 0x2001 }) },
  ],
  ['a buffer of no thread', /impossible buffer/, { buffers: buffersOf({ tid: 9 }, {}) }],
  ['a table of no thread', /thread 9 cannot/, { buffers: buffersOf({ tid: 9 }) }],
  [
    'buffers that another thread registers',
    /thread 2 cannot/,
    { setup_flags: 1 << 12, issuer: 1, buffers: buffersOf({ tid: 2 }) },
  ],
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
