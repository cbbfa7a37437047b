// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { mountPlacesOf } from '../../../../src/common/mount-places.js';
import { parseMountinfo, type MountInfo } from '../../../../src/common/procfs/mountinfo.js';
import { ownPid } from '../../../../src/common/ids.js';
import { readMountinfo } from '../../../../src/criu/procfs/reader.js';
import {
  checkMounts,
  goneMounts,
  laterMounts,
  type ExpectedMounts,
} from '../../../../src/criu/resources/mounts.js';

function mountsOf(...mounts: readonly string[]): readonly MountInfo[] {
  const lines = mounts.map((mount, index) => {
    const [place = '', type = '', minor = '', root = '/'] = mount.split(' ');
    const id = String(index + 1);
    return `${id} 0 0:${minor} ${root} ${place} rw,relatime - ${type} source rw\n`;
  });
  return parseMountinfo(lines.join(''));
}

/** Mounts as `place type minor root`, in the order they were made in. */
function later(expected: Partial<ExpectedMounts>, ...mounts: readonly string[]): string[] {
  const all = { paths: ['/'], trees: [], hasHooks: false, host: [] };
  const found = laterMounts(mountsOf(...mounts), { ...all, ...expected });
  return found.map(({ mountPoint, dev }) => `${mountPoint} ${String(dev.minor)}`);
}

test('the mounts of a spec are where it says, masked and read-only paths too', (t) => {
  const places = mountPlacesOf({
    mounts: [
      { destination: '/proc', type: 'proc' },
      { destination: '/etc/hosts', type: 'bind', source: '/hosts', options: ['bind'] },
      { destination: '/volume', type: 'bind', source: '/srv', options: ['rbind', 'ro'] },
      { destination: '/sys/fs/cgroup', type: 'cgroup' },
    ],
    linux: { maskedPaths: ['/proc/kcore'], readonlyPaths: ['/proc/bus'] },
  });
  t.deepEqual(places, {
    paths: ['/', '/proc', '/etc/hosts', '/volume', '/sys/fs/cgroup', '/proc/kcore', '/proc/bus'],
    certain: ['/proc', '/etc/hosts', '/volume', '/sys/fs/cgroup'],
    trees: [
      { path: '/volume', source: '/srv' },
      { path: '/sys/fs/cgroup', source: undefined },
    ],
    hasHooks: false,
  });
  t.true(mountPlacesOf({ hooks: { createRuntime: [{ path: '/hook' }] } }).hasHooks);
});

test('what the spec mounts is expected, and nothing else', (t) => {
  const paths = ['/', '/proc', '/tmp'];
  t.deepEqual(later({ paths }, '/ overlay 1', '/proc proc 2', '/tmp tmpfs 3'), []);
  t.deepEqual(later({ paths }, '/ overlay 1', '/proc proc 2', '/data tmpfs 4'), ['/data 4']);
});

test('a mount of the spec that is gone is missed', (t) => {
  const mounts = mountsOf('/ overlay 1', '/proc proc 2', '/tmp tmpfs 3', '/tmp tmpfs 4');
  t.deepEqual(goneMounts(mounts, ['/proc', '/tmp', '/tmp']), []);
  t.deepEqual(goneMounts(mounts, ['/tmp', '/tmp', '/run', '/tmp', '/proc']), ['/tmp', '/run']);
});

test('a mount over one of the spec is the later one', (t) => {
  const paths = ['/', '/tmp'];
  t.deepEqual(later({ paths }, '/ overlay 1', '/tmp tmpfs 3', '/tmp tmpfs 4'), ['/tmp 4']);
  const twice = { paths: ['/', '/tmp', '/tmp'] };
  t.deepEqual(later(twice, '/ overlay 1', '/tmp tmpfs 3', '/tmp tmpfs 4'), []);
});

test('below a recursive bind only what the host has below its source is expected', (t) => {
  const host = mountsOf('/ ext4 5', '/srv/below ext4 7', '/srv/twice ext4 8', '/srv/twice ext4 8');
  const expected = { paths: ['/', '/volume'], trees: [{ path: '/volume', source: '/srv' }], host };
  const bind = ['/ overlay 1', '/volume ext4 5 /srv'];
  t.deepEqual(later(expected, ...bind, '/volume/below ext4 7'), []);
  t.deepEqual(later(expected, ...bind, '/volume/own tmpfs 6'), ['/volume/own 6']);
  // Of a file system that the host knows, but the container's own.
  t.deepEqual(later(expected, ...bind, '/volume/here ext4 5 /own'), ['/volume/here 5']);
  t.deepEqual(later(expected, ...bind, '/volume/below ext4 7 /sub'), ['/volume/below 7']);
  const below = '/volume/below ext4 7';
  t.deepEqual(later(expected, ...bind, below, below), ['/volume/below 7']);
  t.deepEqual(later(expected, ...bind, '/volume/twice ext4 8', '/volume/twice ext4 8'), []);
  t.deepEqual(later(expected, '/ overlay 1', '/volumes ext4 5'), ['/volumes 5']);
  const all = { paths: ['/', '/host'], trees: [{ path: '/host', source: '/' }], host };
  t.deepEqual(later(all, '/ overlay 1', '/host ext4 5', '/host/srv/below ext4 7'), []);
});

test('cgroups below theirs, the console, and what hooks mount are expected', (t) => {
  const trees = [{ path: '/sys/fs/cgroup', source: undefined }];
  const cgroups = { paths: ['/', '/sys/fs/cgroup'], trees };
  const mounts = ['/ overlay 1', '/sys/fs/cgroup tmpfs 2', '/sys/fs/cgroup/memory cgroup 3'];
  t.deepEqual(later(cgroups, ...mounts, '/dev/console devpts 4'), []);
  t.deepEqual(later(cgroups, '/ overlay 1', '/mine cgroup2 3'), ['/mine 3']);
  const hooks = { hasHooks: true, host: mountsOf('/ ext4 5') };
  t.deepEqual(later(hooks, '/ overlay 1', '/lib/driver ext4 5', '/mine tmpfs 6'), ['/mine 6']);
});

test('mounts that were right once are judged again when there are others', (t) => {
  const pid = ownPid();
  const mounts = readMountinfo(pid);
  const paths = mounts.map(({ mountPoint }) => mountPoint);
  const places = { paths, certain: [], trees: [], hasHooks: false };
  for (let times = 0; times < 2; times++) t.notThrows(() => checkMounts(pid, mounts, places));
  const more = [...mounts, ...mountsOf('/made-later tmpfs 99')];
  t.throws(() => checkMounts(pid, more, places), { message: /mount \/made-later \(tmpfs\)/ });
  t.notThrows(() => checkMounts(pid, readMountinfo(pid), places));
});
