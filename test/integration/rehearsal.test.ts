// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'ava';
import { closeModels, openModels } from '../../src/criu/checkpoint/model-files.js';
import { rehearseCheckpoints } from '../../src/criu/index.js';
import { createVas, removeVas } from '../../src/criu/vas/store.js';

test.serial('models are there for a rehearsal, and nothing of them afterwards', async (t) => {
  const { id, holder, lifeline } = await createVas();
  try {
    const { pid } = await holder.status();
    const open = (): string[] => readdirSync(`/proc/${String(pid)}/fd`);
    const before = open();
    const models = await openModels(holder, pid);
    t.deepEqual([models.length, open().length], [10, before.length + 10]);
    await closeModels(holder, models);
    t.deepEqual(open(), before);
  } finally {
    lifeline.cut();
    holder.close();
    await removeVas(id);
  }
});

test.serial('a rehearsal of stops leaves no process and no descriptor', async (t) => {
  const children = (): string =>
    readFileSync(`/proc/self/task/${String(process.pid)}/children`, 'utf8');
  const open = (): string[] => readdirSync('/proc/self/fd').sort();
  const directory = join(mkdtempSync(join(tmpdir(), 'mvas-rehearsal-')), 'image');
  await rehearseCheckpoints(directory); // What is opened once and stays, such as the thread pool's, is there.
  const before = { children: children(), open: open() };
  await t.notThrowsAsync(rehearseCheckpoints(directory));
  t.deepEqual({ children: children(), open: open() }, before);
  t.false(existsSync(directory));
  rmSync(dirname(directory), { recursive: true });
});
