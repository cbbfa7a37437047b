// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { hostNamesOf } from '../../../../src/common/host-names.js';
import { parseCgroup } from '../../../../src/common/procfs/cgroup.js';
import { parseMountinfo } from '../../../../src/common/procfs/mountinfo.js';
import { cgroupDirectories, placesIn } from '../../../../src/common/cgroup-places.js';
import { firstDifference } from '../../../../src/criu/resources/cgroups.js';

test('a name is expected only where the container has names of its own', (t) => {
  const own = { linux: { namespaces: [{ type: 'uts' }] } };
  t.deepEqual(hostNamesOf({ ...own, hostname: 'a', domainname: '' }), { hostname: 'a' });
  t.deepEqual(hostNamesOf(own), {});
  t.is(hostNamesOf({ hostname: 'a', linux: { namespaces: [{ type: 'pid' }] } }), undefined);
  const shared = { linux: { namespaces: [{ type: 'uts', path: '/proc/1/ns/uts' }] } };
  t.is(hostNamesOf({ ...shared, hostname: 'a' }), undefined);
});

test('a cgroup is found where its hierarchy is mounted', (t) => {
  const mounts = parseMountinfo(
    '1 0 0:20 / /cg/unified rw - cgroup2 cgroup2 rw\n' +
      '2 0 0:21 / /cg/cpu rw - cgroup cgroup rw,cpu,cpuacct\n' +
      '3 0 0:22 / /cg/systemd rw - cgroup cgroup rw,xattr,name=systemd\n',
  );
  const here = parseCgroup('4:pids:/a\n3:cpu,cpuacct:/a\n1:name=systemd:/a/b\n0::/c\n');
  t.deepEqual(cgroupDirectories(placesIn(here, mounts)), [
    '/cg/cpu/a',
    '/cg/systemd/a/b',
    '/cg/unified/c',
  ]);
});

test('the hierarchy in which a task is elsewhere is told', (t) => {
  const expected = parseCgroup('2:cpu:/a\n0::/b\n');
  t.is(firstDifference(expected, expected), undefined);
  t.is(firstDifference(expected, parseCgroup('2:cpu:/a\n0::/b/c\n')), '/b/c');
});
