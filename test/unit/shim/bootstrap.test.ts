// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { readBootstrap } from '../../../src/shim/bootstrap.js';
import { encode } from '../../../src/shim/proto/codec.js';
import { Any } from '../../../src/common/messages/any.js';
import { BootstrapParams } from '../../../src/shim/proto/messages/bootstrap.js';
import { Options as RuncOptions } from '../../../src/common/messages/runc-options.js';
import { Options as RuntimeOptions } from '../../../src/shim/proto/messages/runtime-options.js';
import { groupOf, socketPath } from '../../../src/common/daemon-socket.js';

const options = {
  typeUrl: RuncOptions,
  value: encode(RuncOptions, { shimCgroup: '/pods/shim' }),
};

test('options of containerd before 2.3 come as an Any', (t) => {
  t.deepEqual(readBootstrap(encode(Any, options), 'a', 'ns'), {
    socketDir: '',
    shimCgroup: '/pods/shim',
    containerdVersion: '',
  });
});

test('options of CRI come as a table', (t) => {
  const value = encode(RuntimeOptions, { configBody: Buffer.from('ShimCgroup = "/pods/shim"\n') });
  const { shimCgroup } = readBootstrap(encode(Any, { typeUrl: RuntimeOptions, value }), 'a', 'ns');
  t.is(shimCgroup, '/pods/shim');
});

test('containerd 2.3 names the task and the socket’s directory', (t) => {
  const params = {
    instanceId: 'a',
    namespace: 'ns',
    socketDir: '/run/s',
    containerdVersion: '2.3.0',
    extensions: [{ value: options }],
  };
  t.deepEqual(readBootstrap(encode(BootstrapParams, params), 'a', 'ns'), {
    socketDir: '/run/s',
    shimCgroup: '/pods/shim',
    containerdVersion: '2.3.0',
  });
});

test('what cannot be read means nothing', (t) => {
  const nothing = { socketDir: '', shimCgroup: '', containerdVersion: '' };
  t.deepEqual(readBootstrap(new Uint8Array(0), 'a', 'ns'), nothing);
  t.deepEqual(readBootstrap(Buffer.from('garbage'), 'a', 'ns'), nothing);
});

test('containers of a pod share a group, others have their own', (t) => {
  const annotations = { 'io.kubernetes.cri.sandbox-id': 'pod' };
  t.is(groupOf({ annotations }, 'a'), 'pod');
  t.is(groupOf({ annotations: { ...annotations, 'io.containerd.runc.v2.group': 'g' } }, 'a'), 'g');
  t.is(groupOf({}, 'a'), 'a');
});

test('sockets differ by containerd, namespace and group, and fit into an address', (t) => {
  const path = socketPath('/run/containerd/s', '/c.sock', 'ns', 'a');
  t.true(path.length <= 106);
  t.not(path, socketPath('/run/containerd/s', '/d.sock', 'ns', 'a'));
  t.not(path, socketPath('/run/containerd/s', '/c.sock', 'ns', 'b'));
});
