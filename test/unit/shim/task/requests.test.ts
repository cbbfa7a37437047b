// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { encode } from '../../../../src/shim/proto/codec.js';
import { CHECKPOINT_OPTIONS_URL, CheckpointOptions } from '../../../../src/shim/proto/options.js';
import { planCheckpoint } from '../../../../src/shim/task/checkpoint-options.js';
import { withinGrace } from '../../../../src/shim/task/grace.js';
import { hasOwnPidNamespace, ownCgroupsPath } from '../../../../src/shim/task/spec.js';
import { tmpfsMountsOf } from '../../../../src/common/tmpfs-mounts.js';

const optionsOf = (value: Parameters<typeof encode<{ exit: boolean; imagePath: string }>>[1]) => ({
  typeUrl: CHECKPOINT_OPTIONS_URL,
  value: encode(CheckpointOptions, value),
});

test('a checkpoint without options leaves the container running', (t) => {
  const plan = { imagePath: '/image', leaveRunning: true };
  t.deepEqual(planCheckpoint('/image', undefined), plan);
  t.deepEqual(planCheckpoint('/image', { typeUrl: '', value: new Uint8Array(0) }), plan);
});

test('a checkpoint with exit ends the container', (t) => {
  t.false(planCheckpoint('/image', optionsOf({ exit: true })).leaveRunning);
});

test('the path of a checkpoint comes from the request, else from the options', (t) => {
  const options = optionsOf({ imagePath: '/other' });
  t.is(planCheckpoint('/image', options).imagePath, '/image');
  t.is(planCheckpoint('', options).imagePath, '/other');
  t.throws(() => planCheckpoint('', undefined), { message: /not absolute/ });
});

test('checkpoint options of another type are refused', (t) => {
  t.throws(() => planCheckpoint('/image', { typeUrl: 'other.Options' }), {
    message: /unknown type other.Options/,
  });
});

test('a spec that names another container’s cgroup gets one beside it', (t) => {
  const own = (cgroupsPath: string) => ownCgroupsPath({ linux: { cgroupsPath } }, 'new');
  t.is(own('/default/old'), '/default/new');
  t.is(own('system.slice:cri:old'), 'system.slice:cri:new');
  t.is(own('/default/new'), undefined);
  t.is(own(''), undefined);
  t.is(ownCgroupsPath({}, 'new'), undefined);
});

test('content is saved of file systems in memory, but not of /dev', (t) => {
  const mounts = [
    { destination: '/dev', type: 'tmpfs' },
    { destination: '/dev/shm', type: 'tmpfs' },
    { destination: '/run', type: 'tmpfs' },
    { destination: '/data', type: 'bind' },
  ];
  t.deepEqual(tmpfsMountsOf({ mounts }), ['/dev/shm', '/run']);
});

test('a pid namespace by path is not the container’s own', (t) => {
  const has = (namespaces: { type: string; path?: string }[]) =>
    hasOwnPidNamespace({ linux: { namespaces } });
  t.true(has([{ type: 'pid' }]));
  t.true(has([{ type: 'pid', path: '' }]));
  t.false(has([{ type: 'pid', path: '/proc/1/ns/pid' }]));
  t.false(has([{ type: 'mount' }]));
});

test('work that does not heed its abort is left behind', async (t) => {
  const abort = new AbortController();
  const never = new Promise<never>(() => undefined);
  const result = withinGrace(never, abort.signal, 1);
  abort.abort(new Error('killed'));
  await t.throwsAsync(result, { message: 'killed' });
});

test('work that ends within the grace is heard', async (t) => {
  const abort = new AbortController();
  abort.abort(new Error('killed'));
  t.is(await withinGrace(Promise.resolve(7), abort.signal, 1_000), 7);
});
