// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { locateCgroup } from '../../src/common/cgroup.js';
import { memoryCgroupsOf } from '../../src/common/cgroup-memory.js';
import { asHostPid, type HostPid } from '../../src/common/ids.js';
import { holdMemoryOf } from '../../src/criu/restore/old-memory.js';
import { MemoryHold } from '../../src/native/index.js';
import { copyLocker, isLocked, lockerCount } from '../helpers/locker.js';
import { until } from '../helpers/run.js';

/** Memory that is not freed as its process ends. That it is still there shows in the lock of a file that it maps. */
const directory = mkdtempSync('/var/tmp/mvas-old-memory-');
const binary = join(directory, 'locker');
/** A root filesystem that is not that of the processes. */
const NEW_ROOT = '/dev/shm';
let cgroups = 0;

test.before(() => copyLocker(binary));
test.after.always(() => {
  rmSync(directory, { recursive: true });
});

async function locker(t: ExecutionContext, mib: number, place = directory) {
  const file = join(place, `locked-${String(process.pid)}-${t.title.replaceAll(/\W/g, '-')}`);
  const child = spawn(binary, [file, String(mib)], { stdio: 'ignore' });
  t.teardown(() => {
    child.kill('SIGKILL');
    rmSync(file, { force: true });
  });
  await until('the locker to count', () => Promise.resolve(lockerCount(file) > 0));
  const end = async (): Promise<void> => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  };
  return { pid: asHostPid(child.pid ?? 0), file, end };
}

function read(path: string): string {
  return readFileSync(path, 'utf8');
}

/** The cgroup of this process that counts as its container's. */
function ownCgroup(): string {
  const ours = locateCgroup(read('/proc/self/cgroup'), read('/proc/self/mountinfo'));
  return ours?.directory ?? '/sys/fs/cgroup/freezer';
}

/** Moves a process to a new cgroup. */
function isolate(t: ExecutionContext, pid: HostPid, parent = ownCgroup()): string {
  cgroups += 1;
  const own = join(parent, `mvas-old-memory-${String(pid)}-${String(cgroups)}`);
  mkdirSync(own);
  t.teardown(async () => {
    await until('the cgroup to be empty', () =>
      Promise.resolve(read(join(own, 'cgroup.procs')) === ''),
    );
    rmdirSync(own);
  });
  writeFileSync(join(own, 'cgroup.procs'), String(pid));
  return own;
}

test.serial('held memory outlives its process until it is let go', async (t) => {
  const held = await locker(t, 16);
  const free = await locker(t, 16, NEW_ROOT);
  const hold = new MemoryHold();
  t.is(hold.add(held.pid), 0);
  await Promise.all([held.end(), free.end()]);
  // Whoever reads its /proc at that moment frees it.
  await t.notThrowsAsync(
    until('that memory to be freed', async () => !(await isLocked(free.file))),
  );
  t.true(await isLocked(held.file));
  hold.letGo();
  await until('the memory to be freed', async () => !(await isLocked(held.file)));
  hold.letGo();
  t.true(hold.add(held.pid) < 0);
});

test.serial('what has ended cannot be held, and neither can more than sixteen', async (t) => {
  const { pid, end } = await locker(t, 1);
  const hold = new MemoryHold();
  const results = Array.from({ length: 17 }, () => hold.add(pid));
  t.deepEqual(results, [...Array.from({ length: 16 }, () => 0), -28]);
  hold.letGo();
  await end();
  const other = new MemoryHold();
  t.true(other.add(pid) < 0);
});

test.serial('large memory is held whose files nobody else can reach', async (t) => {
  const { pid: initPid, file, end } = await locker(t, 16);
  isolate(t, initPid);
  const memory = holdMemoryOf({ initPid, rootfs: NEW_ROOT });
  t.is(memory.count, 1);
  const same = holdMemoryOf({ initPid, rootfs: '/' });
  t.is(same.count, 0, 'others see the files of its root');
  await end();
  t.true(await isLocked(file));
  memory.letGo();
  await until('the memory to be freed', async () => !(await isLocked(file)));
});

test.serial('memory that maps a file of another filesystem is not held', async (t) => {
  const { pid: initPid, end } = await locker(t, 16, NEW_ROOT);
  isolate(t, initPid);
  t.is(holdMemoryOf({ initPid, rootfs: NEW_ROOT }).count, 0);
  await end();
});

test.serial('memory is not held where a limit leaves no room for more', async (t) => {
  const { pid: initPid, end } = await locker(t, 16);
  isolate(t, initPid);
  const [ours = '/sys/fs/cgroup/memory'] = memoryCgroupsOf(
    read('/proc/self/cgroup'),
    read('/proc/self/mountinfo'),
  );
  const limited = isolate(t, initPid, ours);
  const limit = ['memory.limit_in_bytes', 'memory.max'].find((name) => {
    return existsSync(join(limited, name));
  });
  writeFileSync(join(limited, limit ?? 'memory.max'), String(48 * 1024 * 1024));
  t.is(holdMemoryOf({ initPid, rootfs: NEW_ROOT }).count, 0);
  writeFileSync(join(limited, limit ?? 'memory.max'), String(256 * 1024 * 1024));
  const memory = holdMemoryOf({ initPid, rootfs: NEW_ROOT });
  t.is(memory.count, 1);
  memory.letGo();
  await end();
});

test.serial('little memory is not held', async (t) => {
  const { pid: initPid, end } = await locker(t, 1);
  isolate(t, initPid);
  t.is(holdMemoryOf({ initPid, rootfs: NEW_ROOT }).count, 0);
  await end();
});

test.serial('there is nothing to hold of what has ended', async (t) => {
  const { pid: initPid, end } = await locker(t, 1);
  await end();
  t.is(holdMemoryOf({ initPid, rootfs: NEW_ROOT }).count, 0);
});
