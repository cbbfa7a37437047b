// SPDX-License-Identifier: Apache-2.0
import test from 'ava';
import { anyOf } from '../../../../src/shim/proto/codec.js';
import { CheckpointOptions } from '../../../../src/common/messages/runc-options.js';
import type { AnyValue } from '../../../../src/shim/proto/values.js';
import { planCheckpoint } from '../../../../src/shim/task/checkpoint-options.js';
import { checkpointPolicy } from '../../../../src/shim/task/checkpoint-policy.js';
import { resourcesOf } from '../../../../src/shim/task/resources-update.js';
import { withinGrace } from '../../../../src/shim/task/grace.js';
import { ownCgroupsPath } from '../../../../src/common/own-cgroups-path.js';
import { hasOwnPidNamespace } from '../../../../src/shim/task/spec.js';
import { tmpfsMountsOf } from '../../../../src/common/tmpfs-mounts.js';

const optionsOf = (value: Partial<CheckpointOptions>) => anyOf(CheckpointOptions, value);

const NO_POLICY = checkpointPolicy({}, {});
const planOf = (path: string, options: AnyValue | undefined, policy = NO_POLICY) =>
  planCheckpoint(path, options, policy);

test('a checkpoint without options leaves the container running', (t) => {
  const plan = {
    imagePath: '/image',
    leaveRunning: true,
    keepsConnections: false,
    memoryLimit: undefined,
    retryMs: undefined,
    exec: undefined,
    twin: undefined,
    series: false,
    life: { ttlMs: undefined, lease: undefined, isKeptElsewhere: false },
  };
  t.deepEqual(planOf('/image', undefined), plan);
  t.deepEqual(planOf('/image', { typeUrl: '', value: new Uint8Array(0) }), plan);
});

test('a checkpoint is of a series if it says so, or its container does', (t) => {
  const policy = checkpointPolicy({}, { 'mvas.checkpoint.series': 'true' });
  const asked = (series: boolean) => anyOf('mvas.v1.CheckpointOptions', { series });
  t.true(planOf('/image', undefined, policy).series);
  t.true(planOf('/image', asked(true)).series);
  t.true(planOf('/image', asked(false), policy).series);
  t.false(planOf('/image', asked(false)).series);
});

test('an image that containerd moves into its content store is known by its directory', (t) => {
  const policy = checkpointPolicy({}, { 'mvas.vas.ttl': '15m', 'mvas.vas.lease': 'image' });
  const life = { ttlMs: 900_000, lease: 'image', isKeptElsewhere: true };
  for (const name of ['ctrd-checkpoint', 'ctd-checkpoint123']) {
    t.deepEqual(planOf(`/tmp/${name}`, undefined, policy).life, life as never);
  }
  t.false(planOf('/tmp/ctrd-checkpoint123/mine', undefined, policy).life.isKeptElsewhere);
});

test('connections are kept where the policy says so, or the client as CRIU does', (t) => {
  const keep = checkpointPolicy({}, { 'mvas.tcp': 'keep' });
  t.true(planOf('/image', undefined, keep).keepsConnections);
  t.true(planOf('/image', optionsOf({ openTcp: true })).keepsConnections);
  t.false(planOf('/image', optionsOf({ exit: true })).keepsConnections);
});

test('a checkpoint with exit ends the container', (t) => {
  t.false(planOf('/image', optionsOf({ exit: true })).leaveRunning);
});

test('the path of a checkpoint comes from the request, else from the options', (t) => {
  const options = optionsOf({ imagePath: '/other' });
  t.is(planOf('/image', options).imagePath, '/image');
  t.is(planOf('', options).imagePath, '/other');
  t.throws(() => planOf('', undefined), { message: /not absolute/ });
});

test('checkpoint options of another type are refused', (t) => {
  t.throws(() => planOf('/image', { typeUrl: 'other.Options' }), {
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
  const hidden = ['/run/lock', '/runs', '/run'].map((destination) => {
    return { destination, type: 'tmpfs' };
  });
  const over = { destination: '/run/', type: 'bind' };
  t.deepEqual(tmpfsMountsOf({ mounts: [...hidden, over] }), ['/runs']);
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

test('annotations say what options say, and come first', (t) => {
  const none = {
    refuse: false,
    exit: false,
    vasMemoryLimit: undefined,
    retryMs: undefined,
    tcp: undefined,
    exec: undefined,
    twin: undefined,
    series: false,
    ttlMs: undefined,
    lease: undefined,
    clone: { index: undefined, signal: undefined },
    hook: undefined,
    when: undefined,
  };
  t.deepEqual(checkpointPolicy(undefined, {}), none);
  const options = {
    refuseCheckpoint: true,
    vasMemoryLimit: 7n,
    checkpointRetryMs: 9n,
    tcp: 'close',
    exec: 'drop',
  };
  t.deepEqual(checkpointPolicy(options, {}), {
    ...none,
    refuse: true,
    vasMemoryLimit: 7,
    retryMs: 9,
    tcp: 'close',
    exec: 'drop',
  });
  const annotations = {
    'mvas.checkpoint': 'allow',
    'mvas.checkpoint.exit': 'true',
    'mvas.vas.memory-limit': '4096',
    'mvas.checkpoint.retry-ms': '0',
    'mvas.tcp': 'refuse',
    'mvas.exec': 'keep',
    'mvas.checkpoint.twin': 'auto',
    'mvas.checkpoint.series': 'true',
    'mvas.vas.ttl': 'none',
    'mvas.vas.lease': 'none',
    'mvas.of.tomorrow': 'whatever',
    other: 'x',
  };
  t.deepEqual(checkpointPolicy(options, annotations), {
    refuse: false,
    exit: true,
    vasMemoryLimit: 4096,
    retryMs: 0,
    tcp: 'refuse',
    exec: 'keep',
    twin: 'auto',
    series: true,
    ttlMs: 'never',
    lease: 'none',
    clone: none.clone,
    hook: undefined,
    when: undefined,
  });
});

test('an annotation that makes no sense is refused by its name', (t) => {
  for (const [name, value] of [
    ['mvas.checkpoint', 'no'],
    ['mvas.checkpoint.exit', ''],
    ['mvas.vas.memory-limit', '1g'],
    ['mvas.vas.memory-limit', '0'],
    ['mvas.checkpoint.retry-ms', '2s'],
    ['mvas.tcp', 'open'],
    ['mvas.exec', 'kept'],
    ['mvas.checkpoint.twin', 'yes'],
    ['mvas.checkpoint.series', 'yes'],
    ['mvas.vas.ttl', '7'],
    ['mvas.vas.lease', 'yes'],
  ] as const) {
    const error = t.throws(() => checkpointPolicy({}, { [name]: value }));
    t.true(error.message.startsWith(`annotation ${name} is "${value}"`), error.message);
  }
});

test('the policy decides where a request has no options, and refuses in any case', (t) => {
  const ends = checkpointPolicy({ exitAfterCheckpoint: true }, {});
  t.false(planOf('/image', undefined, ends).leaveRunning);
  t.true(planOf('/image', optionsOf({ exit: false }), ends).leaveRunning);
  const refuses = checkpointPolicy({}, { 'mvas.checkpoint': 'refuse' });
  t.throws(() => planOf('/image', optionsOf({ exit: true }), refuses), {
    message: /forbids checkpoints/,
  });
});

test('resources of an update are a JSON object of the right type', (t) => {
  const typeUrl = 'types.containerd.io/opencontainers/runtime-spec/1/LinuxResources';
  const of = (json: string, url = typeUrl) =>
    resourcesOf({ typeUrl: url, value: Buffer.from(json) });
  t.is(of('{"memory":{}}'), '{"memory":{}}');
  t.is(of('{}', ''), '{}');
  t.throws(() => of('{}', 'types.containerd.io/opencontainers/runtime-spec/1/Process'), {
    message: /Process is not LinuxResources/,
  });
  for (const json of ['', '[]', 'null', '7', '{"memory"']) {
    t.throws(() => of(json), { message: /^update resources: / }, json);
  }
  t.throws(() => resourcesOf(undefined), { message: /^update resources: / });
});
