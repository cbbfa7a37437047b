// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { cpusetFiles } from '../../../../src/criu/resources/attributes/cpus.js';

const UNIFIED = '30 25 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n';
const HYBRID = `\
30 25 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
31 25 0:29 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset
`;

test('processors come from the cpuset of the v1 hierarchy where there is one', (t) => {
  t.deepEqual(cpusetFiles('4:cpuset:/a/b\n0::/c\n', HYBRID), [
    '/sys/fs/cgroup/cpuset/a/b/cpuset.effective_cpus',
  ]);
  t.deepEqual(cpusetFiles('4:cpuset:/\n0::/c\n', HYBRID), [
    '/sys/fs/cgroup/cpuset/cpuset.effective_cpus',
  ]);
});

test('on the unified hierarchy a cgroup without the controller has the processors of its parent', (t) => {
  t.deepEqual(cpusetFiles('0::/a/b\n', UNIFIED), [
    '/sys/fs/cgroup/a/b/cpuset.cpus.effective',
    '/sys/fs/cgroup/a/cpuset.cpus.effective',
    '/sys/fs/cgroup/cpuset.cpus.effective',
  ]);
});

test('without any hierarchy there is nothing to ask', (t) => {
  t.deepEqual(cpusetFiles('0::/a\n', ''), []);
});
