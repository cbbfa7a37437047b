// SPDX-License-Identifier: Apache-2.0
import { type VasId } from '../../src/common/ids.js';
import { mkdtempSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { inspectVas, removeVas, vasDirectory } from '../../src/criu/index.js';
import { createVas } from '../../src/criu/vas/store.js';
import { BIN } from '../helpers/paths.js';
import { tryRun, until } from '../helpers/run.js';

/** `mvas` and a VAS that this process, as an engine, is filling. */
const folder = mkdtempSync(join(tmpdir(), 'mvas-vases-'));
process.env['MVAS_ROOT'] = folder;

test.after.always(() => {
  rmSync(folder, { recursive: true });
});

const mvas = (...args: readonly string[]) => tryRun(join(BIN, 'mvas'), args);

async function filling(t: ExecutionContext) {
  const vas = await createVas();
  t.teardown(async () => {
    vas.lifeline.cut();
    vas.holder.close();
    await removeVas(vas.id);
  });
  return vas;
}

async function stateOf(id: VasId): Promise<string> {
  return (await inspectVas(id).catch(() => ({ state: 'none' }))).state;
}

test.serial('a VAS that is being filled is not removed, unless by force', async (t) => {
  const { id } = await filling(t);
  const { code, stdout, stderr } = await mvas('rm', id);
  t.deepEqual([code, stdout], [1, '']);
  t.is(
    stderr,
    `mvas: remove VAS ${id}: a checkpoint is filling it; remedy: wait for its end, or remove it by ` +
      '--force, which makes the checkpoint fail\n',
  );
  t.is(await stateOf(id), 'filling');
  t.deepEqual(await mvas('rm', '-f', id), { code: 0, stdout: `${id}\n`, stderr: '' });
  t.is(await stateOf(id), 'none');
});

test.serial('one whose engine has gone is removed', async (t) => {
  const { id, lifeline } = await filling(t);
  lifeline.cut(); // As the engine's death would.
  await until('the VAS to be lost', async () => (await stateOf(id)) === 'lost');
  t.deepEqual(await mvas('rm', id), { code: 0, stdout: `${id}\n`, stderr: '' });
});

test.serial('one without a record is as old as its directory', async (t) => {
  const { id } = await filling(t);
  const then = new Date(Date.now() - 2 * 3600_000);
  utimesSync(vasDirectory(id), then, then);
  t.regex((await mvas('ls')).stdout, /^[0-9a-f]{32} .*filling .*2 hours ago/m);
  const [json] = JSON.parse((await mvas('inspect', '--json', id)).stdout) as [unknown];
  t.like(json, { id, state: 'filling', createdAt: then.toISOString() });
});

test.serial(
  'a host on which containers are checkpointed and restored passes the check',
  async (t) => {
    const { code, stdout, stderr } = await mvas('check');
    t.deepEqual([code, stderr], [0, '']);
    t.regex(stdout, /\nContainers can be checkpointed and restored here/);
  },
);
