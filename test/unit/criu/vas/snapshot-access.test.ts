// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { assertMayUse, mayUse, parseShared } from '../../../../src/criu/vas/snapshot-access.js';

function allowed(
  snapshot: { owner?: string; group?: string; shared?: string },
  [owner, group]: readonly [string, string?],
  host: readonly string[] = [],
): boolean {
  const { shared, ...names } = snapshot;
  const access = {
    owner: 'k8s.io',
    group: 'a',
    ...names,
    shared: shared ? parseShared(shared) : [],
  };
  return mayUse(access, { owner, group }, () => host);
}

test('a snapshot belongs to its namespace, and to that of its pod', (t) => {
  t.true(allowed({}, ['k8s.io', 'a']));
  t.false(allowed({}, ['k8s.io', 'b']));
  t.false(allowed({}, ['k8s.io', '']), 'a container of no pod');
  t.false(allowed({ group: '' }, ['k8s.io', 'a']), 'a snapshot of no pod');
  t.false(allowed({}, ['other', 'a']));
  t.true(allowed({}, ['k8s.io']), 'who may use all of a namespace');
  t.false(allowed({}, ['other']));
});

test('it is shared with those that it names, or the host', (t) => {
  t.true(allowed({ shared: 'k8s.io/b' }, ['k8s.io', 'b']));
  t.false(allowed({ shared: 'k8s.io/b' }, ['k8s.io', 'c']));
  t.false(allowed({ shared: 'k8s.io/b' }, ['other', 'b']));
  t.true(allowed({ shared: 'k8s.io' }, ['k8s.io', 'c']));
  t.true(allowed({ shared: 'x, other' }, ['other', '']));
  t.true(allowed({ shared: '*' }, ['whoever', 'c']));
  t.true(allowed({}, ['other', 'x'], ['other/x']));
  t.false(allowed({}, ['other', 'y'], ['other/x']));
});

test('an empty group is no name', (t) => {
  t.false(allowed({}, ['other', ''], ['other/']));
  for (const text of ['', 'a,,b', 'a/', '/a', 'a/b/c', '**', 'a b', 'ä']) {
    t.throws(() => parseShared(text), { message: /^share a snapshot with / }, text);
  }
});

test('who may not use it learns whose it is, and what would help', (t) => {
  const snapshot = { id: 'x', owner: 'k8s.io', group: 'a', shared: [] };
  t.throws(
    () => {
      assertMayUse(snapshot, { owner: 'k8s.io', group: 'b' }, () => []);
    },
    { message: /^snapshot x belongs to k8s\.io\/a, not to k8s\.io\/b; remedy: share it/ },
  );
});
