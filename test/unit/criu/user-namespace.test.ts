// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { asNsPid, INIT } from '../../../src/common/ids.js';
import { birthplaceOf, userNamespaceOf } from '../../../src/criu/user-namespace.js';

const MAP = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
const PRIVATE = ['pid', 'mount', 'uts'].map((type) => ({ type }));

test('a container that shares a pid namespace is born in that, with its own pid', (t) => {
  const shared = { type: 'pid', path: '/proc/7/ns/pid' };
  const plain = { linux: { namespaces: [{ type: 'mount' }, shared] } };
  const paths = ['/proc/7/ns/pid'];
  t.deepEqual(birthplaceOf(plain, asNsPid(9)), { paths, maps: undefined, pid: asNsPid(9) });
  const user = { type: 'user', path: '/proc/7/ns/user' };
  const both = { linux: { namespaces: [user, shared] } };
  t.deepEqual(birthplaceOf(both, asNsPid(9)).paths, ['/proc/7/ns/pid', '/proc/7/ns/user']);
});

test('a container without a user namespace is born in that of the host', (t) => {
  const spec = { linux: { namespaces: [...PRIVATE, { type: 'network', path: '/run/net' }] } };
  t.deepEqual(birthplaceOf(spec, INIT), { paths: [], maps: undefined });
  t.is(userNamespaceOf(spec), undefined);
});

test('one with a new user namespace has its maps, and joins what is its own later', (t) => {
  const namespaces = [...PRIVATE, { type: 'user' }, { type: 'ipc', path: '' }];
  const spec = { linux: { namespaces, uidMappings: MAP, gidMappings: [] } };
  t.deepEqual(birthplaceOf(spec, INIT), { paths: [], maps: { users: MAP, groups: [] } });
  t.deepEqual(userNamespaceOf(spec)?.joined, ['mnt', 'uts', 'ipc']);
});

test("one in a pod's user namespace joins what it is given, the user namespace last", (t) => {
  const given = [
    { type: 'user', path: '/proc/7/ns/user' },
    { type: 'network', path: '/run/net' },
  ];
  const spec = { linux: { namespaces: [...given, ...PRIVATE], uidMappings: MAP } };
  t.deepEqual(birthplaceOf(spec, INIT), {
    paths: ['/run/net', '/proc/7/ns/user'],
    maps: undefined,
  });
  t.deepEqual(userNamespaceOf(spec)?.joined, ['mnt', 'uts']);
});
