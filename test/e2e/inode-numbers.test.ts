// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import test, { type ExecutionContext } from 'ava';
import { appRequest, type App } from '../helpers/apps/app.js';
import { CONNECTIONS } from '../helpers/apps/python.js';
import { runContainer, taskOf } from '../helpers/containers.js';
import { until } from '../helpers/run.js';
import { containerId, daemon, leavesNothingBehind, remove, useContainerd } from './context.js';
import { succeed } from './counters.js';

const PROGRAM: App = { ...CONNECTIONS, load: ['python3', '-S', '/app/inodes.py'] };

/** What the program says: test/helpers/apps/inodes.py. */
type Status = Readonly<Record<string, string | number>>;

useContainerd([CONNECTIONS.archive]);

/** What a container says, once it knows who it is. */
async function statusOf(id: string, who: string): Promise<Status> {
  const { pid } = await taskOf(daemon(), id);
  return await until(`the program in ${id}`, async () => {
    const text = await readFile(`/proc/${String(pid)}/root/load/status`, 'utf8');
    const status = JSON.parse(text) as Status;
    return status['who'] === who && status;
  });
}

const FINE = { journal: 'ok', log: 'ok', watch: 'ok', 'journal anew': 'ok', 'log anew': 'ok' };

async function begin(t: ExecutionContext): Promise<string> {
  const id = containerId(t, 'inodes');
  await runContainer(daemon(), { id, ...appRequest(PROGRAM) });
  t.like(await statusOf(id, ''), FINE);
  return id;
}

/** A copied file has another inode number; a connection of SQLite that has it open compares that before it writes. */
const MOVED = { ...FINE, journal: 'SQLITE_READONLY_DBMOVED: attempt to write a readonly database' };

test.serial(
  'a clone: only an open database with a rollback journal notices that it is a copy',
  async (t) => {
    const id = await begin(t);
    const [name, second] = [`${id}-clone`, `${id}-second`];
    await succeed(t, 'fork', '--name', name, id);
    t.like(await statusOf(name, name), MOVED);
    t.like(await statusOf(id, ''), FINE, 'the source goes on');
    await succeed(t, 'fork', '--name', second, name);
    t.like(await statusOf(second, second), MOVED);
    for (const one of [id, name, second]) await remove(t, one);
  },
);

test.serial('the same after a rollback', async (t) => {
  const id = await begin(t);
  await succeed(t, 'snapshot', '--name', 'before', id);
  await succeed(t, 'rollback', id, 'before');
  t.like(await statusOf(id, id), MOVED);
  await remove(t, id);
  await succeed(t, 'rm', 'before');
});

leavesNothingBehind();
