// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { mountPlacesOf } from '../../../../src/common/mount-places.js';
import { parseMountinfo } from '../../../../src/criu/procfs/mountinfo.js';
import { laterMounts, type ExpectedMounts } from '../../../../src/criu/resources/mounts.js';

/** Mounts as `place type minor`, in the order they were made in. */
function later(expected: Partial<ExpectedMounts>, ...mounts: readonly string[]): string[] {
  const lines = mounts.map((mount, index) => {
    const [place = '', type = '', minor = ''] = mount.split(' ');
    const id = String(index + 1);
    return `${id} 0 0:${minor} / ${place} rw,relatime - ${type} source rw\n`;
  });
  const all = { paths: ['/'], trees: [], hasHooks: false, hostDevices: new Set<string>() };
  const found = laterMounts(parseMountinfo(lines.join('')), { ...all, ...expected });
  return found.map(({ mountPoint, dev }) => `${mountPoint} ${String(dev.minor)}`);
}

test('the mounts of a spec are where it says, masked and read-only paths too', (t) => {
  const places = mountPlacesOf({
    mounts: [
      { destination: '/proc', type: 'proc' },
      { destination: '/etc/hosts', type: 'bind' },
      { destination: '/sys/fs/cgroup', type: 'cgroup' },
    ],
    linux: { maskedPaths: ['/proc/kcore'], readonlyPaths: ['/proc/bus'] },
  });
  t.deepEqual(places, {
    paths: ['/', '/proc', '/etc/hosts', '/sys/fs/cgroup', '/proc/kcore', '/proc/bus'],
    trees: ['/etc/hosts', '/sys/fs/cgroup'],
    hasHooks: false,
  });
  t.true(mountPlacesOf({ hooks: { createRuntime: [{ path: '/hook' }] } }).hasHooks);
});

test('what the spec mounts is expected, and nothing else', (t) => {
  const paths = ['/', '/proc', '/tmp'];
  t.deepEqual(later({ paths }, '/ overlay 1', '/proc proc 2', '/tmp tmpfs 3'), []);
  t.deepEqual(later({ paths }, '/ overlay 1', '/proc proc 2', '/data tmpfs 4'), ['/data 4']);
});

test('a mount over one of the spec is the later one', (t) => {
  const paths = ['/', '/tmp'];
  t.deepEqual(later({ paths }, '/ overlay 1', '/tmp tmpfs 3', '/tmp tmpfs 4'), ['/tmp 4']);
  const twice = { paths: ['/', '/tmp', '/tmp'] };
  t.deepEqual(later(twice, '/ overlay 1', '/tmp tmpfs 3', '/tmp tmpfs 4'), []);
});

test('below a bind of the host only file systems of the host are expected', (t) => {
  const expected = { paths: ['/', '/volume'], trees: ['/volume'], hostDevices: new Set(['0:5']) };
  const mounts = ['/ overlay 1', '/volume ext4 5', '/volume/below ext4 5', '/volume/own tmpfs 6'];
  t.deepEqual(later(expected, ...mounts), ['/volume/own 6']);
  t.deepEqual(later(expected, '/ overlay 1', '/volumes ext4 5'), ['/volumes 5']);
});

test('cgroups below theirs, the console, and what hooks mount are expected', (t) => {
  const cgroups = { paths: ['/', '/sys/fs/cgroup'], trees: ['/sys/fs/cgroup'] };
  const mounts = ['/ overlay 1', '/sys/fs/cgroup tmpfs 2', '/sys/fs/cgroup/memory cgroup 3'];
  t.deepEqual(later(cgroups, ...mounts, '/dev/console devpts 4'), []);
  t.deepEqual(later(cgroups, '/ overlay 1', '/mine cgroup2 3'), ['/mine 3']);
  const hooks = { hasHooks: true, hostDevices: new Set(['0:5']) };
  t.deepEqual(later(hooks, '/ overlay 1', '/lib/driver ext4 5', '/mine tmpfs 6'), ['/mine 6']);
});
