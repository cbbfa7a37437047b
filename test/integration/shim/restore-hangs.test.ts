// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { PrivateShim, type ShimClient } from '../../helpers/private-shim.js';
import { until } from '../../helpers/run.js';

const SLEEP = 'while :; do sleep 1; done';
const HANGS =
  'case " $* " in *" create "*) touch "$0.called"; exec sleep 1000;; esac; exec runc "$@"';
const SIGTERM = 15;
const SIGKILL = 9;
/** The longest that anything waits for a runc that hangs. */
const SOON_MS = 10_000;

/** A task from a checkpoint whose surroundings are never made, because runc hangs. */
async function created(t: ExecutionContext): Promise<{ shim: PrivateShim; client: ShimClient }> {
  const shim = await PrivateShim.open(t);
  const bundle = shim.bundle('one', SLEEP);
  const original = await shim.start('one');
  await original.create({ id: 'one', bundle });
  await original.start('one');
  const checkpoint = join(shim.directory, 'image');
  await original.checkpoint('one', checkpoint);
  const options = shim.runc('hangs', HANGS);
  const copy = shim.bundle('two', SLEEP);
  const client = await shim.start('two');
  await client.create({ id: 'two', bundle: copy, options, checkpoint });
  await until('runc to be called', () =>
    Promise.resolve(existsSync(join(shim.directory, 'hangs.called'))),
  );
  return { shim, client };
}

test('a restore that hangs ends with SIGKILL of its task', async (t) => {
  const { shim, client } = await created(t);
  const failed = t.throwsAsync(client.start('two'));
  await t.throwsAsync(client.kill({ id: 'two', signal: SIGTERM }), {
    message: /is not running yet/,
  });
  const began = performance.now();
  await client.kill({ id: 'two', signal: SIGKILL });
  t.is(await client.wait('two'), 137);
  await failed;
  await client.delete('two');
  t.true(performance.now() - began < SOON_MS);
  t.deepEqual(await shim.leftovers('two'), []);
});

test('a restore that hangs ends with the time limit of the call', async (t) => {
  const { shim, client } = await created(t);
  await t.throwsAsync(client.start('two', '', 1_000));
  const began = performance.now();
  await client.kill({ id: 'two', signal: SIGKILL });
  await client.delete('two');
  t.true(performance.now() - began < SOON_MS);
  t.deepEqual(await shim.leftovers('two'), []);
});

test('a restore that hangs before it is started ends with its deletion', async (t) => {
  const { shim, client } = await created(t);
  const began = performance.now();
  await client.delete('two');
  t.true(performance.now() - began < SOON_MS);
  t.deepEqual(await shim.leftovers('two'), []);
});
