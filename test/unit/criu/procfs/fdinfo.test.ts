// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { parseFdinfo } from '../../../../src/criu/procfs/fdinfo.js';
import { epollTargets } from '../../../../src/criu/resources/files/kinds/epoll.js';
import { eventfdState } from '../../../../src/criu/resources/files/kinds/eventfd.js';
import { inotifyWatches } from '../../../../src/criu/resources/files/kinds/inotify/index.js';
import { pidfdProcess } from '../../../../src/criu/resources/files/kinds/pidfd.js';
import { signalfdMask } from '../../../../src/criu/resources/files/kinds/signalfd.js';
import { timerfdState } from '../../../../src/criu/resources/files/kinds/timerfd.js';
import { parseWholeFdinfo } from './fdinfo-readers.js';
import { fixture, refuses } from './fixture.js';

const COMMON = 'pos:\t0\nflags:\t02\nmnt_id:\t17\n';
const parse = (name: string) => parseFdinfo(fixture(`odd/fdinfo-${name}`));
const parseLine = (line: string) => parseFdinfo(`${COMMON}${line}\n`);

test('an ordinary file has position, flags, mount and inode, and nothing else', (t) => {
  t.deepEqual(parseFdinfo('pos:\t12345678901234567\nflags:\t02100001\nmnt_id:\t27\nino:\t77\n'), {
    pos: 12345678901234567n,
    flags: 0o2100001,
    mountId: 27,
    inode: 77n,
    locks: [],
    details: [],
  });
});

for (const name of ['regular', 'directory', 'epoll-empty']) {
  test(`a real one has no lines of its own: ${name}`, (t) => {
    t.deepEqual(parse(name).details, []);
    t.true((parse(name).inode ?? 0n) > 0n);
  });
}

test('the inode is not known on old kernels', (t) => {
  t.is(parseFdinfo(COMMON).inode, undefined);
});

test('eventfd: count and semaphore flag, which old kernels hide', (t) => {
  t.deepEqual(eventfdState(parse('eventfd')), { count: 5n, semaphore: true });
  t.deepEqual(eventfdState(parseLine('eventfd-count:                0\neventfd-semaphore: 0')), {
    count: 0n,
    semaphore: false,
  });
  t.deepEqual(eventfdState(parseLine('eventfd-count: fffffffffffffffe')), {
    count: 0xfffffffffffffffen,
    semaphore: undefined,
  });
});

test('epoll: each target with its events, data and identity', (t) => {
  const targets = epollTargets(parse('epoll'));
  t.is(targets.length, 2);
  t.true(targets.some((target) => target.events === 0x80000019));
  t.true(targets.every((target) => target.file !== undefined && target.file.inode > 0n));
  t.deepEqual(epollTargets(parseLine('tfd:       12 events:       1d data: ffffffffffffffff')), [
    { fd: 12, events: 0x1d, data: 2n ** 64n - 1n, file: undefined },
  ]);
});

test('signalfd: its mask', (t) => {
  t.is(signalfdMask(parse('signalfd')), (1n << 63n) | 1n);
});

test('timerfd: time left and interval in nanoseconds', (t) => {
  const timer = timerfdState(parse('timerfd'));
  t.like(timer, { clockId: 1, ticks: 0n, settimeFlags: 0, intervalNs: 5_000_000_007n });
  t.true((timer?.valueNs ?? 0n) > 90_000_000_000n);
  t.like(timerfdState(parse('timerfd-disarmed')), { clockId: 0, valueNs: 0n, intervalNs: 0n });
});

test('inotify: watches with handles, wd and masks in hexadecimal', (t) => {
  const watches = inotifyWatches(parse('inotify'));
  t.deepEqual(watches.map((watch) => watch.wd).sort(), [1, 2]);
  const etc = watches.find((watch) => watch.wd === 1);
  t.is(etc?.mask, 0xfff);
  t.is(etc?.sdev, 0xfe00000n);
  t.is(etc?.handle?.bytes.length, 8);
  t.deepEqual(inotifyWatches(parseLine('inotify wd:1f ino:1 sdev:15 mask:2 ignored_mask:0 ')), [
    { wd: 31, inode: 1n, sdev: 0x15n, mask: 2, handle: undefined },
  ]);
});

test('pidfd: the process in all namespaces, or dead', (t) => {
  t.deepEqual(pidfdProcess(parse('pidfd')), { pid: 9434, nsPid: [9434] });
  t.deepEqual(pidfdProcess(parse('pidfd-dead')), { pid: -1, nsPid: [-1] });
  t.deepEqual(pidfdProcess(parseLine('Pid:\t40\nNSpid:\t40\t7')), { pid: 40, nsPid: [40, 7] });
  t.deepEqual(pidfdProcess(parseLine('Pid:\t40')), { pid: 40, nsPid: [40] });
});

test('locks: kind, access, range and holder', (t) => {
  const [flock, ...posix] = parse('locks').locks;
  t.like(flock, { kind: 'flock', access: 'read', start: 0n, end: undefined, pid: 9434 });
  t.deepEqual(
    posix.map(({ kind, access, start, end }) => ({ kind, access, start, end })),
    [
      { kind: 'posix', access: 'write', start: 5n, end: 14n },
      { kind: 'posix', access: 'write', start: 100n, end: undefined },
    ],
  );
  t.deepEqual(flock?.file?.major, 254);
  const [ofd] = parse('locks-ofd').locks;
  t.like(ofd, { id: 1, kind: 'ofd', access: 'write', pid: -1, start: 50n, end: 59n });
});

test('leases: held, and being broken', (t) => {
  t.like(parse('lease').locks[0], { kind: 'lease', access: 'read', breaking: true });
  const [held] = parseLine('lock:\t2: LEASE  ACTIVE    WRITE 41 <none>:0 0 EOF').locks;
  t.like(held, { id: 2, kind: 'lease', access: 'write', breaking: false, file: undefined });
});

for (const name of ['fanotify', 'io-uring', 'userfaultfd', 'socket', 'pty-master']) {
  test(`lines of a kind are kept as they are: ${name}`, (t) => {
    const lines = fixture(`odd/fdinfo-${name}`).toString().trimEnd().split('\n');
    t.deepEqual(
      parse(name).details.map(({ text }) => text),
      lines.slice(4),
    );
    t.true(lines.length > 4);
  });
}

for (const line of [
  'lock:\t1: POSIX  ADVISORY  WRITE 41 fe:00:12 0',
  'lock:\t1: POSIX  ADVISORY  WRITE 41 fe:00 0 EOF',
  'lock:\t1: POSIX  ADVISORY  WRITE 41 fe:00:12 0 EOF EOF',
  'lock:\t1: toString  ADVISORY  WRITE 41 fe:00:12 0 EOF',
  'lock:\t1: POSIX',
  'tfd: 3 events: 19',
  'inotify wd:1 ino:1 sdev:15',
  'inotify wd',
  'inotify wd:1 ino:1 sdev:15 mask:2 fhandle-bytes:2 fhandle-type:1 f_handle:01',
  'inotify wd:1 ino:1 sdev:15 mask:2 fhandle-bytes:1 fhandle-type:1 f_handle:01f',
  'clockid: 1',
  'sigmask:\tfffffffffffffffff',
]) {
  test(`refused: ${JSON.stringify(line)}`, (t) => {
    refuses(t, () => parseWholeFdinfo(COMMON + line), {
      file: 'fdinfo',
      shown: JSON.stringify(line).slice(1, -1),
    });
  });
}

test('refused: an fdinfo without flags', (t) => {
  const text = 'pos:\t0\nmnt_id:\t17\n';
  refuses(t, () => parseFdinfo(text), { file: 'fdinfo', shown: 'flags: (missing)' });
});
