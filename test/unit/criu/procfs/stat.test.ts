// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { encodeBytes } from '../../../../src/common/bytes.js';
import { asHostTid } from '../../../../src/common/ids.js';
import { parseStat, parseVitals } from '../../../../src/criu/procfs/stat.js';
import { fixture, refuses } from './fixture.js';

test('all fields are at their places', (t) => {
  t.deepEqual(parseStat(fixture('container/stat')), {
    pid: 9838,
    comm: 'busybox',
    state: 'S',
    ppid: 1,
    pgrp: 9838,
    session: 9838,
    ttyNr: 0,
    tpgid: -1,
    flags: 4194560,
    nice: 0,
    numThreads: 1,
    startTime: 168735n,
    startCode: 4198400n,
    endCode: 5785993n,
    startStack: 140725319809536n,
    exitSignal: 17,
    rtPriority: 0,
    policy: 0,
    startData: 6141704n,
    endData: 6178576n,
    startBrk: 940376064n,
    argStart: 140725319815088n,
    argEnd: 140725319815110n,
    envStart: 140725319815110n,
    envEnd: 140725319815147n,
    exitCode: 0,
  });
});

test('each field comes from the column proc(5) gives', (t) => {
  const columns = Array.from({ length: 49 }, (_, index) => String(index + 4));
  const stat = parseStat(`1 (x) R ${columns.join(' ')}\n`);
  t.like(stat, { ppid: 4, pgrp: 5, session: 6, ttyNr: 7, tpgid: 8, flags: 9, nice: 19 });
  t.like(stat, { numThreads: 20, startTime: 22n, startCode: 26n, endCode: 27n, startStack: 28n });
  t.like(stat, { exitSignal: 38, rtPriority: 40, policy: 41, startData: 45n, endData: 46n });
  t.like(stat, { startBrk: 47n, argStart: 48n, argEnd: 49n, envStart: 50n, envEnd: 51n });
  t.is(stat.exitCode, 52);
});

test('a name may look like the fields behind it', (t) => {
  const stat = parseStat(fixture('odd/stat'));
  const bytes = Buffer.concat([Buffer.from('a) R (b\n\\ é'), Buffer.of(0xc3)]);
  t.deepEqual(encodeBytes(stat.comm), bytes);
  t.is(stat.pid, asHostTid(9434));
  t.is(stat.state, 'R');
});

test('a zombie tells its wait status', (t) => {
  const zombie = parseStat(fixture('odd/stat-zombie'));
  t.like(zombie, { state: 'Z', ppid: 9434, exitCode: 7 << 8, startStack: 0n });
});

for (const name of ['container/stat', 'odd/stat', 'odd/stat-zombie']) {
  test(`what a task is doing reads the same where only that is read: ${name}`, (t) => {
    const { state, ppid, flags, numThreads, exitCode } = parseStat(fixture(name));
    t.deepEqual(parseVitals(fixture(name)), { state, ppid, flags, numThreads, exitCode });
  });
}

for (const [what, text] of [
  ['nothing', ''],
  ['no name', '12 S 1 2 3'],
  ['too few columns', `1 (x) R ${'1 '.repeat(48)}1`.slice(0, -2)],
  ['an unknown state', `1 (x) Q ${'1 '.repeat(48)}1`],
  ['a number too large', `1 (x) R 99999999999999999999 ${'1 '.repeat(48)}`],
] as const) {
  test(`refused: ${what}`, (t) => {
    refuses(t, () => parseStat(text), { file: 'stat', shown: text.slice(0, 5) });
  });
}
