// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { encodeBytes } from '../../../../src/common/bytes.js';
import { asHostTid } from '../../../../src/common/ids.js';
import { parseStatus } from '../../../../src/criu/procfs/status.js';
import { fixture, refuses } from './fixture.js';

const ALL_IDS = (id: number) => ({ real: id, effective: id, saved: id, fileSystem: id });

test('a container init has its ids in both namespaces, its capabilities and its seccomp filter', (t) => {
  t.deepEqual(parseStatus(fixture('container/status')), {
    name: 'busybox',
    umask: 0o77,
    state: 'S',
    tgid: 9838,
    pid: 9838,
    ppid: 1,
    tracerPid: 0,
    uid: ALL_IDS(1000),
    gid: ALL_IDS(1001),
    groups: [7, 8],
    nsTgid: [9838, 1],
    nsPid: [9838, 1],
    nsPgid: [9838, 1],
    nsSid: [9838, 1],
    threads: 1,
    signals: {
      queued: 0,
      queueLimit: 96365,
      pending: 0n,
      sharedPending: 0n,
      blocked: 0n,
      ignored: 0n,
      caught: 0n,
    },
    capabilities: {
      inheritable: 0x21n,
      permitted: 0x21n,
      effective: 0x21n,
      bounding: 0x21n,
      ambient: 0x21n,
    },
    noNewPrivs: true,
    seccomp: 2,
    seccompFilters: 1,
    rssAnon: 52 * 1024,
    coreDumping: false,
  });
});

test('a name with a line feed, a backslash and half a character is told exactly', (t) => {
  const { name } = parseStatus(fixture('odd/status'));
  const bytes = Buffer.concat([Buffer.from('a) R (b\n\\ é'), Buffer.of(0xc3)]);
  t.deepEqual(encodeBytes(name), bytes);
});

test('signal masks have signal N as bit N-1', (t) => {
  const { signals } = parseStatus(fixture('odd/status'));
  const bit = (signal: bigint) => 1n << (signal - 1n);
  t.is(signals.blocked, bit(64n) | bit(12n));
  t.is(signals.sharedPending & signals.blocked, bit(64n) | bit(12n));
  t.true((signals.ignored & bit(1n)) !== 0n);
  t.true((signals.caught & bit(10n)) !== 0n);
});

test('threads with the same owner and rights share them, and one with others does not', (t) => {
  const text = fixture('container/status').toString('latin1');
  const sibling = text.replace(/^Pid:.*$/m, 'Pid:\t9839').replace(/^NSpid:.*$/m, 'NSpid:\t9839\t2');
  const [one, other] = [parseStatus(text), parseStatus(sibling)];
  t.is(other.pid, asHostTid(9839));
  t.deepEqual(other.nsPid, [9839, 2]);
  t.is(other.uid, one.uid);
  t.is(other.groups, one.groups);
  t.is(other.capabilities, one.capabilities);

  const changes: readonly (readonly [RegExp, string])[] = [
    [/^Gid:.*$/m, 'Gid:\t1001\t1001\t0\t1001'],
    [/^Groups:.*$/m, 'Groups:\t7 '],
    [/^CapAmb:.*$/m, 'CapAmb:\t0000000000000000'],
    [/^ShdPnd:.*$/m, 'ShdPnd:\t0000000000000100'],
    [/^Seccomp:.*$/m, 'Seccomp:\t1'],
  ];
  for (const [line, now] of changes) {
    const changed = parseStatus(text.replace(line, now));
    t.notDeepEqual(changed, one, now);
  }
  t.is(parseStatus(text.replace(/^Gid:.*$/m, 'Gid:\t1001\t1001\t0\t1001')).gid.saved, 0);
  t.deepEqual(parseStatus(text), one);
});

test('a zombie has neither umask nor memory', (t) => {
  const zombie = parseStatus(fixture('odd/status-zombie'));
  t.like(zombie, { state: 'Z', umask: undefined, rssAnon: 0, coreDumping: undefined });
  t.deepEqual(zombie.groups, [5, 20, 100000]);
});

test('an old kernel without pid namespaces, seccomp and ambient capabilities is understood', (t) => {
  const old = parseStatus(fixture('old/status'));
  t.like(old, { name: 'kworker/0:1-events', state: 'I', seccomp: 0, noNewPrivs: false });
  t.deepEqual([old.nsPid, old.groups], [[], []]);
  t.is(old.seccompFilters, undefined);
  t.is(old.capabilities.ambient, 0n);
  t.is(old.signals.ignored, 2n ** 64n - 1n);
});

for (const [what, from, to, shown] of [
  ['a missing line', /^PPid:.*\n/m, '', 'PPid: (missing)'],
  ['a word for a number', /^Threads:\t1$/m, 'Threads:\tmany', 'Threads:\\tmany'],
  ['three ids', /^(Uid:\t1000\t1000\t1000)\t1000$/m, '$1', 'Uid:'],
  ['two ids', /^(Gid:\t1001\t1001)\t1001\t1001$/m, '$1', 'Gid:'],
  ['a mask that is not hexadecimal', /^SigBlk:\t0/m, 'SigBlk:\tx', 'SigBlk:'],
  ['a queue without limit', /^SigQ:.*$/m, 'SigQ:\t1', 'SigQ:'],
  ['memory in pages', /^RssAnon:.*$/m, 'RssAnon:\t12', 'RssAnon:'],
  ['an unknown state', /^State:.*$/m, 'State:\tQ (quiet)', 'State:'],
] as const) {
  test(`refused: ${what}`, (t) => {
    const text = fixture('container/status').toString().replace(from, to);
    refuses(t, () => parseStatus(text), { file: 'status', shown });
  });
}
