// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { groupBy } from '../../src/common/group-by.js';
import { createContainer, listTasks, runContainer, taskOf } from '../helpers/containers.js';
import { mvas, type ForkedClone } from '../helpers/mvas-command.js';
import { findByArgument, parentOf } from '../helpers/procfs.js';
import { leftAtLast, until } from '../helpers/run.js';
import { COUNTER } from '../helpers/workloads/counter.js';
import { containerId, daemon, leavesNothingBehind, remove, useContainerd } from './context.js';
import { assertAlive, assertInStep, begin, failure, groupLabel, succeed } from './counters.js';
import { openTasks } from './streams.js';

useContainerd([COUNTER.archive], { hasAllHeirs: true });

test.serial('a snapshot leaves its container as it was', async (t) => {
  const { id, pid } = await begin(t);
  const { birth } = await COUNTER.observe(pid);
  const snapshot = await succeed(t, 'snapshot', '--name', 'first', id);
  t.regex(snapshot, /^[0-9a-f]{32}$/);
  t.like(await taskOf(daemon(), id), { pid, status: 'RUNNING' });
  await assertAlive(t, pid, birth);
  const listed = JSON.parse(await succeed(t, 'ls', '--json')) as { id: string; name: string }[];
  t.deepEqual(
    listed.map((vas) => [vas.id, vas.name]),
    [[snapshot, 'first']],
  );
  t.regex(await failure(t, 'snapshot', '--name', 'first', id), /snapshot first exists.*remedy: /);
  await succeed(t, 'rm', 'first');
  await remove(t, id);
});

test.serial('a paused container stays paused', async (t) => {
  const { id } = await begin(t);
  await daemon().ctr(['tasks', 'pause', id]);
  const snapshot = await succeed(t, 'snapshot', id);
  t.is((await taskOf(daemon(), id)).status, 'PAUSED');
  await succeed(t, 'rm', snapshot);
  await daemon().ctr(['tasks', 'resume', id]);
  await remove(t, id);
});

test.serial('a container is forked into three, which any client can use', async (t) => {
  const { id, pid } = await begin(t);
  const { birth } = await COUNTER.observe(pid);
  const names = [1, 2, 3].map((n) => `${id}-${String(n)}`);
  const options = ['--count', '3', '--name', `${id}-{n}`, '--label', 'a=b,c=d', '--json'];
  const clones = JSON.parse(await succeed(t, 'fork', ...options, id)) as ForkedClone[];
  t.deepEqual(
    clones.map((clone) => clone.id),
    names,
  );
  for (const clone of clones) {
    t.is((await taskOf(daemon(), clone.id)).pid, clone.pid ?? 0);
    await assertAlive(t, clone.pid ?? 0, birth);
    assertInStep(t, clone.pid ?? 0);
  }
  await assertAlive(t, pid, birth);
  t.is(await succeed(t, 'ls', '--quiet'), '', 'the snapshot was only for the fork');
  const [one = ''] = names;
  const exec = ['tasks', 'exec', '--exec-id', 'e', one, '/bin/tail', '-n', '1', '/state'];
  t.true((await daemon().ctr(exec)).startsWith(birth));
  const { Labels } = JSON.parse(await daemon().ctr(['containers', 'info', one])) as {
    Labels: Record<string, string>;
  };
  t.like(Labels, { a: 'b', c: 'd', 'mvas.parent': id });
  for (const name of [...names, id]) await remove(t, name);
  t.is(await ownFiles(), '', 'containerd has collected the files with the last clone');
});

/** Shims of containers with some of these ids: a shim's arguments name the first one that it has served. */
async function shimsOf(ids: readonly string[]): Promise<number[]> {
  return (await Promise.all(ids.map((id) => findByArgument(id)))).flat();
}

/** The shims once there are so many: forks of theirs, and those that have found another daemon, last a moment longer than their work. */
async function shimsOnce(ids: readonly string[], count: number): Promise<number[]> {
  return await until(`${String(count)} daemons`, async () => {
    const found = await shimsOf(ids);
    return found.length === count && found;
  });
}

test.serial('clones of one fork share a daemon, and outlive the first of them', async (t) => {
  const { id, pid } = await begin(t);
  const { birth } = await COUNTER.observe(pid);
  await succeed(t, 'snapshot', '--name', 'shared', id);
  const options = ['--count', '4', '--name', `${id}-{n}`, '--json'];
  const clones = JSON.parse(await succeed(t, 'fork', ...options, 'shared')) as ForkedClone[];
  const ids = clones.map((clone) => clone.id);
  const [shim = 0] = await shimsOnce(ids, 1);
  const first = await until('the clone that the daemon began with', async () => {
    for (const one of ids) if ((await findByArgument(one)).length > 0) return one;
    return undefined;
  });
  await remove(t, first);
  const rest = clones.filter((clone) => clone.id !== first);
  for (const clone of rest) {
    await assertAlive(t, clone.pid ?? 0, birth);
    assertInStep(t, clone.pid ?? 0);
  }
  const [one, two, three] = rest;
  // Both find the daemon, and a clone's clones have one of their own.
  await succeed(t, 'snapshot', '--name', 'again', one?.id ?? '');
  const back = JSON.parse(await succeed(t, 'rollback', '--json', one?.id ?? '')) as ForkedClone;
  await assertAlive(t, back.pid ?? 0, birth);
  const child = `${id}-child`;
  await succeed(t, 'fork', '--name', child, 'again');
  await t.notThrowsAsync(shimsOnce([child], 1));
  for (const last of [child, one?.id, two?.id, three?.id, id]) await remove(t, last ?? '');
  await until('the daemon to end', async () => (await parentOf(shim)) !== 1);
  await succeed(t, 'rm', 'again', 'shared');
});

test.serial('clones have daemons of their own on request', async (t) => {
  const { id, pid } = await begin(t);
  const { birth } = await COUNTER.observe(pid);
  const options = ['--own-daemons', '--count', '2', '--name', `${id}-{n}`, '--json'];
  const clones = JSON.parse(await succeed(t, 'fork', ...options, id)) as ForkedClone[];
  const ids = clones.map((clone) => clone.id);
  await t.notThrowsAsync(shimsOnce(ids, 2));
  for (const clone of clones) await assertAlive(t, clone.pid ?? 0, birth);
  for (const one of [...ids, id]) await remove(t, one);
});

/** Forks a snapshot into one; returns the clone. */
async function forkOne(
  t: ExecutionContext,
  name: string,
  ...words: readonly string[]
): Promise<ForkedClone> {
  const [clone] = JSON.parse(await succeed(t, 'fork', '--json', '--name', name, ...words)) as [
    ForkedClone,
  ];
  return clone;
}

test.serial('clones made one after another share a daemon, which waits for the next', async (t) => {
  const { id, pid } = await begin(t);
  const { birth } = await COUNTER.observe(pid);
  await succeed(t, 'snapshot', '--name', 'steps', id);
  const names = [1, 2, 3].map((n) => `${id}-${String(n)}`);
  const [one = '', two = '', three = ''] = names;
  await forkOne(t, one, 'steps');
  const shims = await shimsOnce(names, 1);
  await remove(t, one);
  for (const name of [two, three]) {
    const clone = await forkOne(t, name, 'steps');
    await assertAlive(t, clone.pid ?? 0, birth);
    assertInStep(t, clone.pid ?? 0);
    const why = 'the same one, which had no container for a moment';
    t.deepEqual(await shimsOnce(names, 1), shims, why);
  }
  await succeed(t, 'fork', '--own-daemons', '--name', `${id}-own`, 'steps');
  await t.notThrowsAsync(shimsOnce([`${id}-own`], 1));
  const back = JSON.parse(await succeed(t, 'rollback', '--json', three)) as ForkedClone;
  await assertAlive(t, back.pid ?? 0, birth);
  await remove(t, two);
  assertInStep(t, back.pid ?? 0);
  for (const last of [`${id}-own`, id, three]) await remove(t, last);
  t.deepEqual(await shimsOnce(names, 1), shims);
  await succeed(t, 'rm', 'steps');
  await until('the daemon to end', async () => (await shimsOf(names)).length === 0);
});

test.serial('of clones made at the same moment no more than eight share a daemon', async (t) => {
  const { id, pid } = await begin(t);
  const { birth } = await COUNTER.observe(pid);
  await succeed(t, 'snapshot', '--name', 'crowd', id);
  const names = Array.from({ length: 10 }, (_, n) => `${id}-${String(n)}`);
  const clones = await Promise.all(names.map((name) => forkOne(t, name, 'crowd')));
  for (const clone of clones) await assertAlive(t, clone.pid ?? 0, birth);
  const groups = await Promise.all(names.map(groupLabel));
  // Where others choose for too long, a clone has a daemon of its own.
  const shared = groups.filter((group) => group !== '');
  const sizes = [...groupBy(shared, (group) => group).values()].map((group) => group.length);
  t.true(Math.max(0, ...sizes) <= 8, sizes.join());
  if (shared.length > 1) t.true(Math.max(...sizes) > 1, sizes.join());
  await t.notThrowsAsync(shimsOnce(names, sizes.length + groups.length - shared.length));
  await Promise.all(names.map((name) => remove(t, name)));
  await remove(t, id);
  await succeed(t, 'rm', 'crowd');
});

/** What containerd has of files that belong to snapshots of ours. */
async function ownFiles(): Promise<string> {
  const left = await leftAtLast(async () => {
    await daemon().collect();
    return (await daemon().ctr(['snapshots', 'ls'])).match(/^mvas-\S+/gm) ?? [];
  });
  return left.join();
}

test.serial('a snapshot keeps files that are forked again and again', async (t) => {
  const { id, pid } = await begin(t);
  const { birth } = await COUNTER.observe(pid);
  await succeed(t, 'snapshot', '--name', 'kept', id);
  await remove(t, id);
  const names = [1, 2].map((n) => `${id}-${String(n)}`);
  for (const name of names) {
    await succeed(t, 'fork', '--name', name, 'kept');
    const clone = (await taskOf(daemon(), name)).pid;
    await assertAlive(t, clone, birth);
    assertInStep(t, clone);
  }
  await succeed(t, 'rm', 'kept');
  const [first = '', second = ''] = names;
  await remove(t, first);
  await assertAlive(t, (await taskOf(daemon(), second)).pid, birth);
  await remove(t, second);
  t.is(await ownFiles(), '');
});

test.serial('files are left out on request', async (t) => {
  const { id, pid } = await begin(t);
  const name = `${id}-bare`;
  await succeed(t, 'fork', '--no-rootfs', '--name', name, id);
  const clone = (await taskOf(daemon(), name)).pid;
  await COUNTER.observe(clone);
  const [first = ''] = readFileSync(`/proc/${String(clone)}/root/state`, 'utf8').split('\n');
  t.true(Number(first.split(' ')[1]) > 1);
  t.true(first.startsWith((await COUNTER.observe(pid)).birth));
  for (const one of [name, id]) await remove(t, one);
});

test.serial('a clone that has ended starts afresh', async (t) => {
  const { id, pid } = await begin(t);
  const { birth } = await COUNTER.observe(pid);
  const name = `${id}-again`;
  await succeed(t, 'fork', '--name', name, id);
  await daemon().ctr(['tasks', 'rm', '-f', name]);
  const tasks = await openTasks(t);
  const again = await tasks.begin(name, {});
  await until('another life', async () => (await COUNTER.observe(again)).birth !== birth);
  for (const one of [name, id]) await remove(t, one);
});

test.serial('any client starts a clone by an annotation', async (t) => {
  const { id, pid } = await begin(t);
  const { birth } = await COUNTER.observe(pid);
  await succeed(t, 'snapshot', '--name', 'warm', id);
  await remove(t, id);
  const clone = containerId(t, 'clone');
  const flags = ['--annotation', 'mvas.restore=warm'];
  await assertAlive(
    t,
    await runContainer(daemon(), { id: clone, image: COUNTER.image, flags }),
    birth,
  );
  await remove(t, clone);

  const other = containerId(t, 'other');
  const another = { id: other, image: COUNTER.image, flags, args: ['/bin/sleep', '9'] };
  await t.throwsAsync(runContainer(daemon(), another), {
    message: /annotation mvas\.restore: snapshot warm is of a container that runs \["\/bin\/sh"/,
  });
  await daemon().ctr(['containers', 'rm', other]);
  await succeed(t, 'rm', 'warm');
  const gone = containerId(t, 'gone');
  await createContainer(daemon(), { id: gone, image: COUNTER.image, flags });
  const tasks = await openTasks(t);
  await t.throwsAsync(tasks.begin(gone, {}), { message: /no snapshot 'warm' of .*remedy: / });
  const cold = containerId(t, 'cold');
  const request = { id: cold, image: COUNTER.image };
  const fallback = ['--annotation', 'mvas.restore.fallback=cold'];
  const started = await runContainer(daemon(), { ...request, flags: [...flags, ...fallback] });
  t.not((await COUNTER.observe(started)).birth, birth);
  await remove(t, cold);
});

test.serial('clones fail one by one, and nothing is left of those that do', async (t) => {
  const { id, pid } = await begin(t);
  const { birth } = await COUNTER.observe(pid);
  await succeed(t, 'snapshot', '--name', 'some', id);
  const taken = containerId(t, 'x-2');
  await createContainer(daemon(), { id: taken, image: COUNTER.image });
  const pattern = taken.replace('2', '{n}');
  const ids = [1, 2, 3].map((n) => pattern.replaceAll('{n}', String(n)));
  t.is(ids[1], taken);
  const options = ['--json', '--count', '3', '--name', pattern];
  const { code, stdout, stderr } = await mvas(daemon(), 'fork', ...options, 'some');
  t.is(code, 1);
  t.regex(stderr, new RegExp(`^mvas fork: ${taken}: .*already exists`));
  const clones = JSON.parse(stdout) as ForkedClone[];
  t.deepEqual(
    clones.map(({ kind }) => kind),
    [undefined, 'alreadyExists', undefined],
  );
  for (const clone of clones) if (clone.pid) await assertAlive(t, clone.pid, birth);
  t.is((await listTasks(daemon())).length, 3);
  await daemon().ctr(['containers', 'rm', taken]);
  const far = ['--net', '/no/such/namespace', '--name', 'far'];
  t.regex(await failure(t, 'fork', ...far, 'some'), /^mvas fork: far: .*\/no\/such\/namespace/);
  const containers = (await daemon().ctr(['containers', 'ls', '-q'])).trim().split('\n');
  t.deepEqual(containers.sort(), [ids[0], ids[2], id].sort());
  t.notRegex(await daemon().ctr(['snapshots', 'ls']), /^far /m);
  await succeed(t, 'rm', 'some');
  for (const one of containers) await remove(t, one);
});

test.serial('what cannot be forked is refused with the reason', async (t) => {
  t.regex(await failure(t, 'fork', 'nobody'), /no container or snapshot nobody in namespace/);
  t.regex(await failure(t, 'snapshot', 'nobody'), /no container or snapshot nobody/);
  t.regex(await failure(t, 'snapshot', '--name', 'a b', 'nobody'), /not letters, digits/);
  const closed = await failure(t, 'fork', '--address', '/no/such', 'nobody');
  t.regex(closed, /containerd does not answer at \/no\/such: .*ENOENT.*remedy: /);
  const { id } = await begin(t, { flags: ['--annotation', 'mvas.checkpoint=refuse'] });
  t.regex(await failure(t, 'fork', id), /an annotation of this container forbids checkpoints/);
  await daemon().ctr(['tasks', 'kill', '--signal', 'KILL', id]);
  await until('its end', async () => (await taskOf(daemon(), id)).status === 'STOPPED');
  t.regex(await failure(t, 'fork', id), /is not running/);
  await remove(t, id);
  const runc = await begin(t, { runtime: 'io.containerd.runc.v2' });
  t.regex(await failure(t, 'fork', runc.id), /is not served by mvas-shim.*remedy: /);
  t.is(await succeed(t, 'ls', '--quiet'), '');
  await remove(t, runc.id);
});

leavesNothingBehind();
