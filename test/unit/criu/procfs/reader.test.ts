// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, openSync, readdirSync, readlinkSync } from 'node:fs';
import test from 'ava';
import { asHostPid, asHostTid, type HostPid, ownPid } from '../../../../src/common/ids.js';
import { ShimError } from '../../../../src/common/errors.js';
import { parseFdinfo } from '../../../../src/criu/procfs/fdinfo.js';
import * as reader from '../../../../src/criu/procfs/reader.js';
import { F, O } from '../../../../src/native/abi/index.js';
import { call, SYS } from '../../../../src/native/sys.js';

const SELF = ownPid();
/** Beyond the largest pid Linux gives (PID_MAX_LIMIT is 2^22). */
const NOBODY = asHostPid(2 ** 22 + 1);

const READERS: Readonly<Record<string, (pid: HostPid) => unknown>> = {
  maps: reader.readMaps,
  smaps: reader.readSmaps,
  status: reader.readStatus,
  stat: reader.readStat,
  comm: reader.readComm,
  limits: reader.readLimits,
  mountinfo: reader.readMountinfo,
  cgroup: reader.readCgroup,
  cmdline: reader.readCmdline,
  children: reader.readChildren,
  exe: (pid) => reader.readLink(pid, 'exe'),
  'namespace link': (pid) => reader.readNamespace(pid, 'mnt'),
  'fdinfo of all descriptors': (pid) =>
    listFds(pid).map((fd) => skipMissing(() => reader.readFdinfo(pid, fd))),
  'status of all threads': (pid) =>
    reader.listThreads(pid).map((tid) => skipMissing(() => reader.readStatus(pid, tid))),
  'stat of all threads': (pid) =>
    reader.listThreads(pid).map((tid) => skipMissing(() => reader.readStat(pid, tid))),
  'cgroup of all threads': (pid) =>
    reader.listThreads(pid).map((tid) => skipMissing(() => reader.readCgroup(pid, tid))),
};

for (const [name, read] of Object.entries(READERS)) {
  test(`every live process can be read: ${name}`, (t) => {
    t.not(read(SELF), undefined);
    const pids = readdirSync('/proc').filter((entry) => /^[0-9]+$/.test(entry));
    for (const pid of pids) skipUnreadable(() => read(asHostPid(Number(pid))));
    t.true(pids.length > 0);
  });

  test(`nobody's is not found: ${name}`, (t) => {
    const error = t.throws(() => read(NOBODY), { instanceOf: ShimError });
    t.is(error.kind, 'notFound');
    t.true(error.message.includes(`/proc/${String(NOBODY)}/`), error.message);
  });
}

test('a file of any length is read to its end', async (t) => {
  const [a, b, c] = ['a'.repeat(70_000), 'b'.repeat(70_000), 'c'.repeat(70_000)];
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()', a, b, c]);
  await once(child, 'spawn');
  t.deepEqual(reader.readCmdline(asHostPid(child.pid ?? 0)).slice(-3), [a, b, c]);
  child.kill();
  await once(child, 'exit');
});

test('descriptors are copied with what /proc says of them', (t) => {
  const opened = [process.execPath, '/proc/self/status', '/dev/null'].map((path) =>
    openSync(path, 'r'),
  );
  const copies = reader.copyDescriptors(SELF);
  const byFd = new Map(copies.map((copy) => [copy.fd, copy]));
  for (const fd of opened) {
    const { own, link, info } = byFd.get(fd) ?? t.fail(`no copy of ${String(fd)}`);
    t.is(link, readlinkSync(`/proc/self/fd/${String(fd)}`));
    t.deepEqual(parseFdinfo(info), reader.readFdinfo(SELF, fd));
    t.is(fstatSync(own).ino, fstatSync(fd).ino);
    t.not(own, fd);
  }
  const fds = copies.map(({ fd }) => fd);
  t.deepEqual(
    fds,
    [...fds].sort((a, b) => a - b),
  );
  for (const fd of [...opened, ...copies.map(({ own }) => own)]) closeSync(fd);
});

test('descriptors tell whether their files may have an owner', (t) => {
  const open = (flags: number) =>
    call('open', SYS.openat, -1, Buffer.from('/dev/null\0'), flags, 0);
  const [plain, signalling, owned, path] = [O.rdonly, O.rdonly, O.rdonly, O.path].map(open);
  call('set a signal', SYS.fcntl, signalling ?? -1, F.setsig, 10);
  call('set an owner', SYS.fcntl, owned ?? -1, F.setown, SELF);
  const copies = reader.copyDescriptors(SELF);
  const tells = [plain, signalling, owned, path].map(
    (fd) => copies.find((copy) => copy.fd === fd)?.mayHaveOwner,
  );
  t.deepEqual(tells, [false, true, true, true]);
  for (const fd of [plain, signalling, owned, path, ...copies.map(({ own }) => own)]) {
    closeSync(fd ?? -1);
  }
});

test('the descriptors of a process that has gone are not found', (t) => {
  const before = listFds(SELF).length;
  const error = t.throws(() => reader.copyDescriptors(NOBODY), { instanceOf: ShimError });
  t.is(error.kind, 'notFound');
  t.is(listFds(SELF).length, before);
});

test('what different files say of this process agrees', (t) => {
  const status = reader.readStatus(SELF);
  const stat = reader.readStat(SELF);
  t.is(Number(status.pid), SELF);
  t.is(stat.pid, SELF);
  t.is(status.name, stat.comm);
  t.is(reader.readComm(SELF), stat.comm);
  t.is(stat.ppid, asHostPid(process.ppid));
  t.is(status.uid.real, process.getuid?.() ?? -1);
  t.is(reader.readLink(SELF, 'exe'), process.execPath);
  t.is(reader.readLink(SELF, 'cwd'), process.cwd());
  t.deepEqual(reader.readCmdline(SELF)[1], process.execArgv[0] ?? process.argv[1]);
});

test('the layout that stat gives lies in the areas that maps gives', (t) => {
  const stat = reader.readStat(SELF);
  const areas = reader.readMaps(SELF);
  const areaOf = (address: bigint) =>
    areas.find((vma) => vma.start <= address && address < vma.end);
  t.is(areaOf(stat.startStack)?.special, '[stack]');
  t.is(areaOf(stat.startCode)?.path, process.execPath);
  t.is(areaOf(stat.startBrk)?.special, '[heap]');
});

test('smaps gives the areas of maps, of a process that stands still', async (t) => {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child, 'spawn');
  const pid = child.pid ?? t.fail('no pid');
  child.kill('SIGSTOP');
  while (reader.readStat(asHostTid(pid)).state !== 'T') await new Promise(setImmediate);
  const areas = reader.readSmaps(asHostTid(pid));
  t.like(
    areas,
    reader.readMaps(asHostTid(pid)).map((vma) => ({ ...vma })),
  );
  t.true(areas.reduce((sum, area) => sum + area.rss, 0) > 0);
  t.true(reader.readChildren(SELF).includes(asHostPid(pid)));
});

test('a zombie tells how it ended, and has no memory', async (t) => {
  const parent = spawn('sh', ['-c', 'sh -c "exit 7" & exec sleep 60'], { stdio: 'ignore' });
  t.teardown(() => parent.kill('SIGKILL'));
  await once(parent, 'spawn');
  const pid = parent.pid ?? t.fail('no pid');
  const zombie = await firstZombie(pid);
  t.like(reader.readStat(asHostTid(zombie)), { state: 'Z', exitCode: 7 << 8, ppid: pid });
  t.like(reader.readStatus(asHostTid(zombie)), { state: 'Z', umask: undefined });
  t.deepEqual(reader.readMaps(asHostTid(zombie)), []);
  t.deepEqual(reader.readCmdline(asHostTid(zombie)), []);
});

async function firstZombie(parent: number): Promise<number> {
  for (;;) {
    const found = reader
      .readChildren(asHostTid(parent))
      .find(
        (child) =>
          reader.readStat(child).state === 'Z' &&
          reader.readStat(asHostTid(parent)).comm === 'sleep',
      );
    if (found !== undefined) return found;
    await new Promise(setImmediate);
  }
}

function listFds(pid: number): number[] {
  try {
    return readdirSync(`/proc/${String(pid)}/fd`).map(Number);
  } catch (cause) {
    throw new ShimError('notFound', `list /proc/${String(pid)}/fd`, { cause });
  }
}

/** Processes end while they are read, and without root most cannot be read. */
function skipUnreadable(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof ShimError)) throw error;
    if (error.message.endsWith('mountinfo: EINVAL')) return; // a zombie sees no mounts
    if (error.kind !== 'notFound' && error.kind !== 'permissionDenied') throw error;
  }
}

function skipMissing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof ShimError && error.kind === 'notFound') return undefined;
    throw error;
  }
}
