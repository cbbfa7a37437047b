// SPDX-License-Identifier: Apache-2.0
import test, { type ExecutionContext } from 'ava';
import { runContainer } from '../helpers/containers.js';
import { COUNTER } from '../helpers/workloads/counter.js';
import { containerId, daemon, leavesNothingBehind, remove, useContainerd } from './context.js';
import { begin, failure, succeed } from './counters.js';

useContainerd([COUNTER.archive]);

const PAGE = 4096;

/** A shell whose children share its memory. */
const FORKS =
  'A=$(seq 1 20000); for i in 1 2 3; do (B=$i$A; sleep 1000; echo $B) & done; sleep 1; >/ready; wait';

/** What `mvas diff --json` prints. */
interface Difference {
  readonly files: readonly { readonly path: string; readonly change: string }[] | null;
  readonly processes: readonly {
    readonly pid: number;
    readonly name: string;
    readonly change: string;
    readonly bytes: number;
  }[];
}

async function diff(t: ExecutionContext, ...args: readonly string[]): Promise<Difference> {
  return JSON.parse(await succeed(t, 'diff', '--json', ...args)) as Difference;
}

/** Runs a script in a container; resolves when it has ended. */
async function shell(id: string, script: string): Promise<void> {
  const exec = ['tasks', 'exec', '--exec-id', daemon().uniqueId('x'), id];
  await daemon().ctr([...exec, '/bin/sh', '-c', script]);
}

test.serial('snapshots differ in files, processes and memory', async (t) => {
  const { id } = await begin(t);
  await shell(id, 'mkdir /d; echo one > /d/kept; echo one > /d/changed; echo one > /d/gone');
  await succeed(t, 'snapshot', '--name', 'before', id);
  await shell(id, 'rm /d/gone; echo two > /d/changed; echo new > /d/new');
  await succeed(t, 'snapshot', '--name', 'after', id);

  const { files, processes } = await diff(t, 'before', 'after');
  t.deepEqual(files, [
    { path: '/d/changed', change: 'changed' },
    { path: '/d/gone', change: 'deleted' },
    { path: '/d/new', change: 'added' },
    { path: '/state', change: 'changed' },
  ]);
  const [first] = processes;
  t.like(first, { pid: 1, change: 'changed' });
  t.true((first?.bytes ?? 0) > 0 && (first?.bytes ?? 0) < 1 << 20, 'the counter has counted');

  const nothing = await diff(t, 'after', 'after');
  t.deepEqual(nothing, { files: [], processes: [] });
  const back = await diff(t, 'after', 'before');
  t.deepEqual(
    back.files?.map(({ change }) => change),
    ['changed', 'added', 'deleted', 'changed'],
  );
  const text = await succeed(t, 'diff', 'before', 'after');
  t.regex(text, /^CHANGE +WHAT +MEMORY\nC +pid 1 \(.*\) +\d.* KiB\n/);
  t.regex(text, /^D +\/d\/gone$/m);
  await succeed(t, 'rm', 'before', 'after');
  await remove(t, id);
});

test.serial('what has not changed does not differ, whoever shares it', async (t) => {
  t.timeout(120_000);
  const id = containerId(t, 'forks');
  await runContainer(daemon(), { id, image: COUNTER.image, args: ['/bin/sh', '-c', FORKS] });
  await shell(id, 'until [ -e /ready ]; do sleep 0.1; done');
  await daemon().ctr(['tasks', 'pause', id]);
  for (const name of ['one', 'two']) await succeed(t, 'snapshot', '--name', name, id);
  const { files, processes } = await diff(t, 'one', 'two');
  t.deepEqual(files, []);
  // The kernel tells each thread its processor (rseq(2)), which may be another one after a stop.
  t.true(
    processes.every(({ bytes }) => bytes === PAGE),
    JSON.stringify(processes),
  );
  await daemon().ctr(['tasks', 'resume', id]);
  await succeed(t, 'rm', 'one', 'two');
  await remove(t, id);
});

test.serial('a container is compared as it is now, and goes on', async (t) => {
  const { id } = await begin(t);
  t.regex(await failure(t, 'diff', id), /has no snapshot; remedy: .*mvas snapshot/);
  await succeed(t, 'snapshot', '--name', 'some', '--no-rootfs', id);
  const since = await diff(t, '--no-rootfs', 'some');
  t.is(since.files, null);
  t.true(since.processes.some(({ pid }) => pid === 1));
  t.true((await diff(t, id)).processes.some(({ pid }) => pid === 1));
  t.is((await succeed(t, 'ls', '--quiet')).split('\n').length, 1, 'no other snapshot is left');
  t.regex(await failure(t, 'diff', 'some', 'no-such'), /no container or snapshot no-such/);
  await succeed(t, 'rm', 'some');
  await remove(t, id);
});

leavesNothingBehind();
