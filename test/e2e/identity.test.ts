// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { runContainer } from '../helpers/containers.js';
import type { ForkedClone } from '../helpers/mvas-command.js';
import { until } from '../helpers/run.js';
import { COUNTER } from '../helpers/workloads/counter.js';
import { containerId, daemon, leavesNothingBehind, remove, useContainerd } from './context.js';
import { succeed } from './counters.js';

useContainerd([COUNTER.archive]);

/** Keeps what it is told as soon as it is told that it is a clone. */
const LISTENS = `trap 'cat /run/mvas/clone.json > /told' USR1
echo ready > /ready
while :; do sleep 0.05; done`;
/** Has no handler. */
const DEAF = 'echo ready > /ready; while :; do sleep 0.05; done';
const MACHINE_ID = 'c0ffee00c0ffee00c0ffee00c0ffee00';

/** What /run/mvas/clone.json says. */
interface Told {
  readonly id: string;
  readonly generation: string;
  readonly parent: string;
  readonly checkpoint: string;
  readonly index?: number;
  readonly env: readonly string[];
}

function pathIn(pid: number, path: string): string {
  return join(`/proc/${String(pid)}/root`, path);
}

async function read(pid: number, path: string): Promise<string> {
  return await until(`${path} to be there`, async () => {
    const text = await readFile(pathIn(pid, path), 'utf8').catch(() => '');
    return text !== '' && text;
  });
}

async function told(pid: number, path: string): Promise<Told> {
  return JSON.parse(await read(pid, path)) as Told;
}

/** Runs a container that wants to hear of being a clone. */
async function run(t: ExecutionContext, script: string, flags: readonly string[] = []) {
  t.timeout(120_000);
  const id = containerId(t, 'source');
  const args = ['/bin/sh', '-c', `echo ${MACHINE_ID} > /etc/machine-id; ${script}`];
  const own = ['--annotation', 'mvas.clone.signal=USR1', '--env', 'WHO=me', ...flags];
  const pid = await runContainer(daemon(), { id, image: COUNTER.image, args, flags: own });
  await read(pid, '/ready');
  return { id, pid };
}

async function forkOf(t: ExecutionContext, id: string): Promise<readonly ForkedClone[]> {
  const options = ['--count', '2', '--name', `${id}-{n}`, '--json'];
  return JSON.parse(await succeed(t, 'fork', ...options, id)) as ForkedClone[];
}

test.serial('each clone is told who it is, and has a machine id of its own', async (t) => {
  const { id, pid } = await run(t, LISTENS);
  const generations = new Set<string>();
  const machines = new Set([MACHINE_ID]);
  const clones = await forkOf(t, id);
  for (const [at, clone] of clones.entries()) {
    const one = clone.pid ?? 0;
    const content = await told(one, '/told');
    t.like(content, { id: clone.id, parent: id, index: at + 1 });
    t.true(content.env.includes('WHO=me'));
    t.deepEqual(await told(one, '/run/mvas/clone.json'), content);
    t.is(statSync(pathIn(one, '/run/mvas/clone.json')).mode & 0o777, 0o644);
    generations.add(content.generation);
    machines.add((await read(one, '/etc/machine-id')).trim());
  }
  t.is(generations.size, 2);
  t.is(machines.size, 3);
  t.is((await read(pid, '/etc/machine-id')).trim(), MACHINE_ID, 'the source keeps its own');
  for (const name of [...clones.map((clone) => clone.id), id]) await remove(t, name);
});

test.serial('what goes back is told, too, and stays the same machine', async (t) => {
  const { id } = await run(t, LISTENS);
  await succeed(t, 'snapshot', '--name', 'back', id);
  const { pid } = JSON.parse(await succeed(t, 'rollback', '--json', id)) as { pid: number };
  const first = await told(pid, '/told');
  t.like(first, { id, parent: id });
  t.is((await read(pid, '/etc/machine-id')).trim(), MACHINE_ID);
  await succeed(t, 'rm', 'back');
  await remove(t, id);
});

test.serial('a signal that would end it is not sent, and a volume is left alone', async (t) => {
  const folder = mkdtempSync('/var/tmp/mvas-volume-');
  t.teardown(() => {
    rmSync(folder, { recursive: true });
  });
  const mount = `type=bind,src=${folder},dst=/run/mvas,options=rbind:rw`;
  const { id } = await run(t, DEAF, ['--mount', mount]);
  const [clone, other] = await forkOf(t, id);
  t.true((clone?.pid ?? 0) > 0, clone?.message);
  t.deepEqual(readdirSync(folder), []);
  for (const one of [clone, other]) await remove(t, one?.id ?? '');
  await remove(t, id);
});

leavesNothingBehind();
