// SPDX-License-Identifier: Apache-2.0
import { statSync } from 'node:fs';
import test from 'ava';
import { ownPid } from '../../../../../src/common/ids.js';
import { parseMountinfo } from '../../../../../src/common/procfs/mountinfo.js';
import {
  ContainerRoot,
  mountOf,
  opensLate,
  withoutDeleted,
} from '../../../../../src/criu/resources/files/names/container-path.js';

const MOUNTS = parseMountinfo(`\
1 0 0:1 / / rw - overlay overlay rw
2 1 0:2 / /proc rw - proc proc rw
3 1 0:3 / /sys ro - sysfs sysfs ro
4 3 0:4 / /sys/fs/cgroup ro - cgroup2 cgroup rw
5 2 0:5 /null /proc/kcore rw - tmpfs tmpfs rw
6 1 0:6 / /data rw - ext4 /dev/vda rw
7 1 0:7 / /data rw - fuse.sshfs host rw
`);

const id = (path: string): number | undefined => mountOf(MOUNTS, path)?.id;

test('a path lies in the longest mount point, and of equal ones in the last', (t) => {
  t.is(id('/'), 1);
  t.is(id('/process'), 1);
  t.is(id('/proc'), 2);
  t.is(id('/proc/1/status'), 2);
  t.is(id('/proc/kcore'), 5);
  t.is(id('/sys/fs/cgroup/cpu.max'), 4);
  t.is(id('/data/file'), 7);
});

test('a path that is not a path from the root lies nowhere but in the root', (t) => {
  t.is(id('relative'), undefined);
  t.is(mountOf([], '/'), undefined);
});

test('files of the kernel open late, stored ones early', (t) => {
  const late = MOUNTS.filter(opensLate).map((mount) => mount.id);
  t.deepEqual(late, [2, 3, 4]);
});

test('only the mark of the kernel is cut off', (t) => {
  t.is(withoutDeleted('/a (deleted)'), '/a');
  t.is(withoutDeleted('/a (deleted) (deleted)'), '/a (deleted)');
  t.is(withoutDeleted('/a'), '/a');
});

test('a path is looked up in the root of a process, as often as one asks', (t) => {
  const closing: (() => void)[] = [];
  const root = new ContainerRoot({
    init: { pid: ownPid() },
    atClose: (close) => closing.push(close),
  });
  t.teardown(() => {
    for (const close of closing) close();
  });
  const [usr, proc] = ['/usr', '/proc'].map((path) => statSync(path, { bigint: true }));
  if (!usr || !proc) throw new Error('no /usr');
  for (const path of ['/usr', '/usr', '/proc', '/usr']) {
    t.is(root.leadsTo(path, usr), path === '/usr');
    t.is(root.leadsTo(path, proc), path === '/proc');
  }
  t.false(root.leadsTo('/no/where', usr));
  t.false(root.leadsTo('usr', usr));
  t.true(root.isDirectory('/usr'));
  t.false(root.isDirectory('/proc/version'));
});
