// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { parseCgroup } from '../../../../src/common/procfs/cgroup.js';
import { fixture, refuses } from '../../criu/procfs/fixture.js';

test('a hybrid host has v1 hierarchies, a named one, and v2', (t) => {
  const memberships = parseCgroup(fixture('container/cgroup'));
  t.is(memberships.length, 10);
  t.deepEqual(memberships[0], {
    hierarchyId: 9,
    controllers: [],
    name: 'systemd',
    path: '/pf1',
    deleted: false,
  });
  t.like(memberships[5], { controllers: ['memory'], name: undefined, path: '/other/pf1' });
  t.like(memberships.at(-1), { hierarchyId: 0, controllers: [], path: '/pf1' });
});

test('controllers may share a hierarchy, and a path may hold colons', (t) => {
  const [membership] = parseCgroup('4:cpu,cpuacct:/system.slice:docker:abc\n');
  t.like(membership, { controllers: ['cpu', 'cpuacct'], path: '/system.slice:docker:abc' });
});

test('only v2 marks a deleted cgroup, and another namespace shows as /..', (t) => {
  t.like(parseCgroup('0::/../pod/x (deleted)\n')[0], { path: '/../pod/x', deleted: true });
  t.like(parseCgroup('3:cpu:/x (deleted)\n')[0], { path: '/x (deleted)', deleted: false });
});

for (const line of ['0:/x', 'v2::/x', '0::x', '']) {
  test(`refused: ${JSON.stringify(line)}`, (t) => {
    refuses(t, () => parseCgroup(`${line}\n`), { file: 'cgroup', shown: JSON.stringify(line) });
  });
}
