// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ShimError, type ErrorKind } from '../../../src/common/errors.js';
import { decode } from '../../../src/shim/proto/codec.js';
import { ProcessDetails } from '../../../src/common/messages/runc-options.js';
import { PrivateShim, type ShimClient } from '../../helpers/private-shim.js';

/** Exactly one process at any time. */
const SLEEP = 'exec /bin/busybox sleep 1000';
const EXEC = {
  typeUrl: 'types.containerd.io/opencontainers/runtime-spec/1/Process',
  value: Buffer.from(JSON.stringify({ args: ['/bin/busybox', 'sleep', '1000'], cwd: '/' })),
};

interface Situation {
  readonly shim: PrivateShim;
  readonly client: ShimClient;
  readonly bundle: string;
}

async function situation(t: ExecutionContext): Promise<Situation> {
  const shim = await PrivateShim.open(t);
  const bundle = shim.bundle('one', SLEEP);
  return { shim, bundle, client: await shim.start('one') };
}

async function started(t: ExecutionContext): Promise<Situation & { readonly pid: number }> {
  const all = await situation(t);
  const pid = await all.client.create({ id: 'one', bundle: all.bundle });
  await all.client.start('one');
  return { ...all, pid };
}

async function fails(t: ExecutionContext, call: Promise<unknown>, kind: ErrorKind): Promise<void> {
  const error = await t.throwsAsync(call, { instanceOf: ShimError });
  t.is(error.kind, kind, error.message);
}

test('Pids gives the exec ids of exec processes', async (t) => {
  const { client, pid } = await started(t);
  await client.exec({ id: 'one', execId: 'added', spec: EXEC });
  const added = await client.start('one', 'added');
  const { processes } = await client.pids('one');
  t.true(processes.some((entry) => entry.pid === pid && entry.info === undefined));
  const info = processes.find((entry) => entry.pid === added)?.info;
  t.is(info?.typeUrl, ProcessDetails);
  t.is(decode(ProcessDetails, info?.value ?? new Uint8Array(0)).execId, 'added');
  await client.order('Pause', 'one');
  t.is((await client.pids('one')).processes.length, processes.length);
  await client.order('Resume', 'one');
});

test('a task that has not exited reports the zero time of Go, not 1970', async (t) => {
  const { client } = await started(t);
  const zero = { seconds: -62_135_596_800n, nanos: 0 };
  await client.exec({ id: 'one', execId: 'zero', spec: EXEC });
  const created = await client.state('one', 'zero');
  t.deepEqual([created.status, created.exitedAt], [1, zero]);
  await client.start('one', 'zero');
  t.deepEqual((await client.state('one', 'zero')).exitedAt, zero);
  t.deepEqual((await client.state('one')).exitedAt, zero);
  await client.order('Pause', 'one');
  t.deepEqual((await client.state('one')).exitedAt, zero);
  await client.order('Resume', 'one');
  await client.exec({ id: 'one', execId: 'never', spec: EXEC });
  t.deepEqual((await client.delete('one', 'never')).exitedAt, zero);
  await client.kill({ id: 'one', execId: 'zero', signal: 9 });
  await client.wait('one', 'zero');
  t.true(((await client.state('one', 'zero')).exitedAt?.seconds ?? 0n) > 1_700_000_000n);
});

test('Connect answers before there is a task, and gives its pid from Create on', async (t) => {
  const { client, bundle } = await situation(t);
  t.is((await client.connect('one')).taskPid, 0);
  const pid = await client.create({ id: 'one', bundle });
  t.is((await client.connect('one')).taskPid, pid);
  t.is((await client.pids('one')).processes.length, 1);
});

test('every call for a missing task or process fails with not found', async (t) => {
  const { client } = await started(t);
  const calls: readonly (() => Promise<unknown>)[] = [
    () => client.state('two'),
    () => client.start('two'),
    () => client.delete('two'),
    () => client.wait('two'),
    () => client.pids('two'),
    () => client.stats('two'),
    () => client.kill({ id: 'two', signal: 9 }),
    () => client.order('Pause', 'two'),
    () => client.order('Resume', 'two'),
    () => client.checkpoint('two', '/nowhere'),
    () => client.exec({ id: 'two', execId: 'x', spec: EXEC }),
    () => client.state('one', 'x'),
    () => client.start('one', 'x'),
    () => client.delete('one', 'x'),
    () => client.wait('one', 'x'),
    () => client.kill({ id: 'one', execId: 'x', signal: 9 }),
  ];
  for (const call of calls) await fails(t, call(), 'notFound');
});

test('every Wait returns the exit, however many there are and however late', async (t) => {
  const { client } = await started(t);
  await client.exec({ id: 'one', execId: 'never', spec: EXEC });
  await client.exec({ id: 'one', execId: 'deleted', spec: EXEC });
  const early = Array.from({ length: 50 }, () => client.wait('one'));
  const deleted = client.wait('one', 'deleted');
  const never = client.wait('one', 'never');
  await client.delete('one', 'deleted');
  await t.notThrowsAsync(deleted);
  await client.kill({ id: 'one', signal: 9 });
  t.deepEqual(new Set(await Promise.all(early)), new Set([137]));
  t.is(await client.wait('one'), 137);
  await fails(t, client.kill({ id: 'one', signal: 9 }), 'notFound');
  await client.delete('one');
  await t.notThrowsAsync(never);
});

test('each of many concurrent Deletes succeeds or fails with not found, and one event is sent', async (t) => {
  const { shim, client } = await started(t);
  await client.kill({ id: 'one', signal: 9 });
  await client.wait('one');
  const results = await Promise.allSettled(Array.from({ length: 10 }, () => client.delete('one')));
  const statuses = results.filter((one) => one.status === 'fulfilled');
  t.true(statuses.length > 0);
  for (const { value } of statuses) t.is(value.exitStatus, 137);
  await fails(t, client.delete('one'), 'notFound');
  t.deepEqual(await shim.leftovers('one'), []);
  await client.shutdown('one');
  await shim.ended();
  await shim.told('/tasks/delete');
  t.is(shim.topics.filter((topic) => topic === '/tasks/delete').length, 1);
});

test('Kill with all reaches exec processes', async (t) => {
  const { shim, client } = await started(t);
  await client.exec({ id: 'one', execId: 'added', spec: EXEC });
  await client.start('one', 'added');
  await client.kill({ id: 'one', signal: 9, all: true });
  t.is(await client.wait('one', 'added'), 137);
  t.is(await client.wait('one'), 137);
  await client.delete('one');
  await shim.told('/tasks/delete');
  const exits = shim.topics.filter((topic) => topic === '/tasks/exit');
  t.is(exits.length, 2);
});

test('Kill with all and an exec id reaches only that exec', async (t) => {
  const { client } = await started(t);
  await client.exec({ id: 'one', execId: 'added', spec: EXEC });
  await client.start('one', 'added');
  await client.kill({ id: 'one', execId: 'added', signal: 9, all: true });
  t.is(await client.wait('one', 'added'), 137);
  t.is((await client.state('one')).status, 2);
});

test('an exec may have the id init', async (t) => {
  const { client, bundle, pid } = await started(t);
  await client.exec({ id: 'one', execId: 'init', spec: EXEC });
  await client.start('one', 'init');
  t.is(readFileSync(join(bundle, 'init.pid'), 'utf8'), String(pid));
});

test('a task that was only created is deleted without a kill', async (t) => {
  const { shim, client, bundle } = await situation(t);
  await client.create({ id: 'one', bundle });
  t.is((await client.delete('one')).exitStatus, 137);
  t.deepEqual(await shim.leftovers('one'), []);
  await shim.told('/tasks/delete');
  t.deepEqual(shim.topics, ['/tasks/create', '/tasks/exit', '/tasks/delete']);
});

test('Shutdown does nothing while a task exists, and ends the daemon afterwards', async (t) => {
  const { shim, client, bundle } = await started(t);
  await client.shutdown('one');
  t.is((await client.state('one')).status, 2);
  await client.kill({ id: 'one', signal: 9 });
  await client.wait('one');
  await client.delete('one');
  await client.shutdown('one');
  await shim.ended();
  await shim.told('/tasks/delete');
  t.deepEqual(await shim.leftovers('one'), []);
  t.truthy(join(bundle, 'config.json'));
});

test('a call in the wrong state is refused and changes nothing', async (t) => {
  const { client, bundle } = await situation(t);
  await client.create({ id: 'one', bundle });
  await t.throwsAsync(client.order('Pause', 'one'), {
    message: /cannot pause task one: it is created/,
  });
  await t.throwsAsync(client.checkpoint('one', '/nowhere'), { message: /it is created/ });
  await client.start('one');
  await t.throwsAsync(client.start('one'), { message: /cannot start task one: it is running/ });
  await t.throwsAsync(client.delete('one'), { message: /cannot delete task one: it is running/ });
  await client.order('Pause', 'one');
  await t.throwsAsync(client.order('Pause', 'one'), { message: /it is paused/ });
  await t.throwsAsync(client.exec({ id: 'one', execId: 'x', spec: EXEC }), { message: /paused/ });
  t.is((await client.state('one')).status, 4);
  await client.kill({ id: 'one', signal: 9 });
  t.is(await client.wait('one'), 137);
  await t.throwsAsync(client.order('Resume', 'one'), { message: /it is stopped/ });
  await t.throwsAsync(client.exec({ id: 'one', execId: 'x', spec: EXEC }), { message: /stopped/ });
  await client.delete('one');
});
