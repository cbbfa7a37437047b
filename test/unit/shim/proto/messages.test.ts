// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { anyOf, decode, encode, type MessageName } from '../../../../src/shim/proto/codec.js';
import { SHIM_MESSAGES } from '../../../../src/shim/proto/messages/index.js';
import { PauseRequest, UpdateTaskRequest } from '../../../../src/common/messages/task.js';
import {
  assertAgrees,
  hasMap,
  referenceOf,
  type OurCodec,
} from '../../../helpers/proto-reference.js';

const codecOf = referenceOf([
  'runtime/task/shim_v2.proto',
  'runtime/task/shim_v3.proto',
  'runtime/bootstrap/bootstrap.proto',
  'types/runtime.proto',
  'events/task.proto',
  'events/forward.proto',
  'services/containers.proto',
  'services/content.proto',
  'services/snapshots.proto',
  'services/version.proto',
  'ttrpc/request.proto',
  'runc/options.proto',
  'mvas/options.proto',
  'mvas/task.proto',
  'runtimeoptions/options.proto',
  'cgroups/v1.proto',
  'cgroups/v2.proto',
]);
const OURS: OurCodec = {
  tables: SHIM_MESSAGES,
  encode: (name, value) => encode(name as MessageName, value),
  decode: (name, bytes) => decode(name as MessageName, bytes),
};

const agrees = test.macro({
  exec(t, name: string, reads: string) {
    assertAgrees(t, OURS, name, codecOf(reads));
  },
  title: (_, __, reads) => `${String(reads)} is coded as its .proto says`,
});

for (const name of Object.keys(SHIM_MESSAGES)) {
  if (hasMap(SHIM_MESSAGES, name)) continue;
  test(agrees, name, name);
  if (name.startsWith('containerd.task.v2.')) test(agrees, name, name.replace('.v2.', '.v3.'));
}

test('annotations of an Update are read from a map', (t) => {
  const bytes = codecOf(UpdateTaskRequest).serialize({ id: 'a', annotations: { one: '1' } });
  const { id, annotations } = decode(UpdateTaskRequest, bytes);
  t.deepEqual({ id, annotations }, { id: 'a', annotations: [{ key: 'one', value: '1' }] });
});

test('fields that are not known are skipped', (t) => {
  const state = { id: 'a', pid: 7, exitedAt: { seconds: 1, nanos: 2 } };
  const bytes = codecOf('containerd.task.v2.StateResponse').serialize(state);
  t.is(decode(PauseRequest, bytes).id, 'a');
});

test('of values given twice the last one counts, and numbers are cut to their bits', (t) => {
  const bytes = (hex: string): Uint8Array => Buffer.from(hex, 'hex');
  t.is(decode(PauseRequest, bytes('0a0161' + '0a0162')).id, 'b');
  t.is(decode('containerd.task.v2.StartResponse', bytes('088180808010')).pid, 1);
  t.is(decode('google.rpc.Status', bytes('08ffffffffff1f')).code, -1);
  t.true(decode('containerd.task.v2.ShutdownRequest', bytes('1002')).now);
  t.is(decode(PauseRequest, bytes('0a02ff00')).id, '\ufffd\0');
});

test('text is written whatever is in it', (t) => {
  const id = decode(PauseRequest, encode(PauseRequest, { id: 'a\0\ud800' })).id;
  t.is(id, 'a\0\ufffd');
});

test("an Any's type is the name of its message", (t) => {
  const any = anyOf('containerd.events.TaskOOM', { containerId: 'a' });
  t.is(any.typeUrl, 'containerd.events.TaskOOM');
  t.is(Buffer.from(any.value ?? []).toString('hex'), '0a0161');
});
