// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import test from 'ava';
import { createContainer, listTasks, runContainer, taskOf } from '../helpers/containers.js';
import { mvas, type ForkedClone } from '../helpers/mvas-command.js';
import { until } from '../helpers/run.js';
import { COUNTER } from '../helpers/workloads/counter.js';
import { containerId, daemon, leavesNothingBehind, remove, useContainerd } from './context.js';
import { assertAlive, assertInStep, begin, failure, succeed } from './counters.js';
import { openTasks } from './streams.js';

useContainerd([COUNTER.archive]);

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

/** What containerd has of files that belong to snapshots of ours. */
async function ownFiles(): Promise<string> {
  return await until('containerd to collect', async () => {
    const lines = (await daemon().ctr(['snapshots', 'ls'])).split('\n');
    return lines.every((line) => !line.startsWith('mvas-')) && ' ';
  }).then((found) => found.trim());
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
