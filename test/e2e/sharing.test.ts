// SPDX-License-Identifier: Apache-2.0
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { vasRoot } from '../helpers/containerd-cleanup.js';
import { runContainer } from '../helpers/containers.js';
import { COUNTER } from '../helpers/workloads/counter.js';
import { containerId, daemon, leavesNothingBehind, remove, useContainerd } from './context.js';
import { assertAlive, begin, failure, succeed } from './counters.js';

useContainerd([COUNTER.archive]);

/** Annotations of a container in a pod of that namespace of Kubernetes, as CRI makes them; '': of none. */
function podOf(namespace: string): readonly string[] {
  if (namespace === '') return [];
  return ['--annotation', `io.kubernetes.cri.sandbox-namespace=${namespace}`];
}

/** A container that is to start as a clone, in a namespace of Kubernetes. */
function cloneOf(t: ExecutionContext, snapshot: string, namespace: string) {
  const id = containerId(t, 'clone');
  const flags = ['--annotation', `mvas.restore=${snapshot}`, ...podOf(namespace)];
  return { id, image: COUNTER.image, flags };
}

async function assertStarts(t: ExecutionContext, snapshot: string, where: string, birth: string) {
  const clone = cloneOf(t, snapshot, where);
  await assertAlive(t, await runContainer(daemon(), clone), birth);
  await remove(t, clone.id);
}

const NOT_YOURS = /restore: snapshot [0-9a-f]{32} belongs to .*, not to .*remedy: share it/;

async function assertRefused(
  t: ExecutionContext,
  snapshot: string,
  where: string,
  why = NOT_YOURS,
) {
  const clone = cloneOf(t, snapshot, where);
  await t.throwsAsync(runContainer(daemon(), clone), { message: why });
  await daemon().ctr(['containers', 'rm', clone.id]);
}

test.serial('a snapshot of a pod is for pods of its namespace', async (t) => {
  const { id, pid } = await begin(t, { flags: podOf('blue') });
  const { birth } = await COUNTER.observe(pid);
  const snapshot = await succeed(t, 'snapshot', '--name', 'own', id);
  await assertStarts(t, 'own', 'blue', birth);
  await assertStarts(t, snapshot, 'blue', birth);
  for (const other of ['green', '']) {
    await assertRefused(t, 'own', other);
    await assertRefused(t, snapshot, other);
  }
  await succeed(t, 'rm', 'own');
  await remove(t, id);
});

test.serial('it is shared by an annotation of its container, or by who takes it', async (t) => {
  const { namespace } = daemon();
  const share = ['--annotation', `mvas.share=${namespace}/green`];
  const { id, pid } = await begin(t, { flags: [...podOf('blue'), ...share] });
  const { birth } = await COUNTER.observe(pid);
  await succeed(t, 'snapshot', '--name', 'shared', id);
  for (const one of ['blue', 'green']) await assertStarts(t, 'shared', one, birth);
  await assertRefused(t, 'shared', 'red');
  await succeed(t, 'snapshot', '--name', 'other', '--share', `x, ${namespace}/red`, id);
  await assertStarts(t, 'other', 'red', birth);
  await assertRefused(t, 'other', 'green');
  t.regex(
    await failure(t, 'snapshot', '--share', 'a/b/c', id),
    /share a snapshot with "a\/b\/c": not NAMESPACE/,
  );
  await succeed(t, 'rm', 'shared', 'other');
  await remove(t, id);
});

test.serial('a snapshot of another namespace of containerd has to be shared', async (t) => {
  const { id, pid } = await begin(t);
  const { birth } = await COUNTER.observe(pid);
  const snapshot = await succeed(t, 'snapshot', '--name', 'far', id);
  const path = join(vasRoot(daemon()), snapshot, 'snapshot.json');
  const text = readFileSync(path, 'utf8');
  const record = JSON.parse(text) as Record<string, unknown>;
  const become = (facts: object): void => {
    writeFileSync(path, JSON.stringify({ ...record, ...facts }));
  };
  become({ owner: 'elsewhere' });
  await assertRefused(t, snapshot, '');
  await assertRefused(t, 'far', '', /no snapshot 'far' of /);
  become({ owner: 'elsewhere', shared: ['others'] });
  await assertRefused(t, snapshot, '');
  become({ owner: 'elsewhere', shared: [daemon().namespace] });
  for (const name of [snapshot, 'far']) await assertStarts(t, name, '', birth);
  writeFileSync(path, text);
  await succeed(t, 'rm', 'far');
  await remove(t, id);
});

leavesNothingBehind();
