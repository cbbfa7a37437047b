// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { parseCgroupMounts } from '../../../src/common/cgroup-mounts.js';

test('of all mounts only those of cgroups are parsed, of either version', (t) => {
  const mounts = parseCgroupMounts(
    [
      '22 1 254:0 / / rw - ext4 /dev/vda rw',
      '31 29 0:26 / /sys/fs/cgroup/freezer rw,nosuid - cgroup cgroup rw,freezer',
      'not a line of mountinfo at all',
      '32 29 0:28 / /sys/fs/cgroup/unified rw,nosuid shared:9 - cgroup2 cgroup2 rw',
      '',
    ].join('\n'),
  );
  t.deepEqual(
    mounts.map(({ fsType, mountPoint }) => [fsType, mountPoint]),
    [
      ['cgroup', '/sys/fs/cgroup/freezer'],
      ['cgroup2', '/sys/fs/cgroup/unified'],
    ],
  );
});

test('without cgroups there are none', (t) => {
  t.deepEqual(parseCgroupMounts('22 1 254:0 / / rw - ext4 /dev/vda rw\n'), []);
});
