// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { locateCgroup } from '../../../src/common/cgroup.js';

const MOUNTS = [
  '30 29 0:26 / /sys/fs/cgroup/freezer rw,nosuid - cgroup cgroup rw,freezer',
  '31 29 0:27 / /sys/fs/cgroup/memory rw,nosuid - cgroup cgroup rw,memory',
  '32 29 0:28 / /sys/fs/cgroup/unified rw,nosuid - cgroup2 cgroup2 rw',
].join('\n');

test('the v1 freezer comes first', (t) => {
  t.deepEqual(locateCgroup('6:freezer:/ns/a\n4:memory:/x\n0::/y\n', MOUNTS), {
    directory: '/sys/fs/cgroup/freezer/ns/a',
    version: 1,
  });
});

test('without a v1 freezer it is the unified hierarchy', (t) => {
  const unified = '25 20 0:23 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate';
  t.deepEqual(locateCgroup('0::/ns/a\n', unified), {
    directory: '/sys/fs/cgroup/ns/a',
    version: 2,
  });
});

test('mount points are unescaped', (t) => {
  const spaced = '25 20 0:23 / /sys/fs/c\\040group rw - cgroup2 cgroup2 rw';
  t.is(locateCgroup('0::/a\n', spaced)?.directory, '/sys/fs/c group/a');
});

test('the root cgroup is nobody’s', (t) => {
  t.is(locateCgroup('6:freezer:/\n0::/y\n', MOUNTS), undefined);
  t.is(locateCgroup('', MOUNTS), undefined);
});
