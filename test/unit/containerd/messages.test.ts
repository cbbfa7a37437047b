// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { LenientCodec } from '../../../src/common/wire/lenient-codec.js';
import { Container } from '../../../src/common/messages/containers.js';
import {
  CONTAINERD_MESSAGES,
  type ContainerdMessages,
} from '../../../src/containerd/proto/messages/index.js';
import { assertAgrees, hasMap, referenceOf, type OurCodec } from '../../helpers/proto-reference.js';

type Name = keyof ContainerdMessages;

const CODEC = new LenientCodec<ContainerdMessages>(CONTAINERD_MESSAGES);
const OURS: OurCodec = {
  tables: CONTAINERD_MESSAGES,
  encode: (name, value) => CODEC.encode(name as Name, value),
  decode: (name, bytes) => CODEC.decode(name as Name, bytes),
};
const services = ['containers', 'content', 'events', 'leases', 'snapshots', 'tasks'];
const codecOf = referenceOf([
  ...services.map((name) => `services/${name}.proto`),
  'events/container.proto',
  'mvas/options.proto',
  'mvas/task.proto',
  'runc/options.proto',
  'runtime/task/shim_v2.proto',
]);

for (const name of Object.keys(CONTAINERD_MESSAGES)) {
  if (hasMap(CONTAINERD_MESSAGES, name)) continue;
  test(`${name} is coded as its .proto says`, (t) => {
    assertAgrees(t, OURS, name, codecOf(name));
  });
}

test('labels are written as a map, and read from one', (t) => {
  const bytes = codecOf(Container).serialize({ id: 'a', labels: { one: '1' } });
  const { id, labels } = CODEC.decode(Container, bytes);
  t.deepEqual({ id, labels }, { id: 'a', labels: [{ key: 'one', value: '1' }] });
  t.deepEqual(Buffer.from(CODEC.encode(Container, { id, labels })), bytes);
});
