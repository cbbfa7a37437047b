// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { GROUP } from '../../../src/common/daemon-socket.js';
import {
  cloneSpec,
  encodeSpec,
  isInPod,
  specOf,
  startingFrom,
  type Spec,
} from '../../../src/containerd/spec.js';

const SOURCE: Spec = {
  hostname: 'db',
  annotations: { 'mvas.restore': 'warm', other: '1' },
  process: { args: ['redis-server'] },
  linux: {
    cgroupsPath: '/ns/db',
    namespaces: [{ type: 'pid' }, { type: 'network', path: '/proc/1/ns/net' }],
  },
};
const clone = (network: Parameters<typeof cloneSpec>[1]['network']) =>
  cloneSpec(SOURCE, { id: 'db-1', sourceId: 'db', network });

test('a clone has a name and a cgroup of its own, and does not say that it is a clone', (t) => {
  t.deepEqual(clone('same'), {
    ...SOURCE,
    hostname: 'db-1',
    annotations: { other: '1' },
    linux: { ...SOURCE.linux, cgroupsPath: '/ns/db-1' },
  });
});

test('a hostname that is not the id stays', (t) => {
  const named = cloneSpec(
    { ...SOURCE, hostname: 'x' },
    { id: 'a', sourceId: 'db', network: 'same' },
  );
  t.is(named.hostname, 'x');
});

test('the network is that of the source, an empty one, or that of a path', (t) => {
  t.deepEqual(clone('same').linux?.namespaces, SOURCE.linux?.namespaces);
  t.deepEqual(clone('none').linux?.namespaces, [{ type: 'pid' }, { type: 'network' }]);
  const path = '/run/netns/a';
  t.deepEqual(clone(path).linux?.namespaces, [{ type: 'pid' }, { type: 'network', path }]);
});

test('a clone is in the group of its fork, unless its source is in one that others made', (t) => {
  const groupOf = (present: string | undefined, group: string | undefined): string | undefined => {
    const annotations = present === undefined ? {} : { [GROUP]: present };
    const clone = { id: 'db-1', sourceId: 'db', network: 'same', group } as const;
    return cloneSpec({ ...SOURCE, annotations }, clone).annotations?.[GROUP];
  };
  t.is(groupOf(undefined, 'mvas-fork-a'), 'mvas-fork-a');
  t.is(groupOf('theirs', 'mvas-fork-a'), 'theirs');
  t.is(groupOf('theirs', undefined), 'theirs');
  t.is(groupOf('mvas-fork-old', 'mvas-fork-a'), 'mvas-fork-a');
  t.is(groupOf('mvas-fork-old', undefined), undefined);
});

test('numbers beyond a double come back as they were', (t) => {
  const text = '{"process":{"rlimits":[{"hard":18446744073709551615}]}}';
  const spec = { typeUrl: '', value: Buffer.from(text) };
  t.is(Buffer.from(encodeSpec(specOf({ spec }))).toString(), text);
});

test('a spec that is not JSON is named', (t) => {
  const spec = { value: Buffer.from('{') };
  t.throws(() => specOf({ id: 'db', spec }), { message: /^read the spec of container db: / });
});

test('the start as a clone is asked for by an annotation', (t) => {
  const annotations = { 'mvas.restore': 'x', 'mvas.clone.index': '3' };
  t.deepEqual(startingFrom({}, 'x', 3), { annotations });
  t.false(isInPod(SOURCE));
  t.true(isInPod({ annotations: { 'io.kubernetes.cri.sandbox-id': 'a' } }));
});
