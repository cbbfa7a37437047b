// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Profiler } from 'node:inspector';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { PrivateShim, type ShimClient } from '../../helpers/private-shim.js';
import { until } from '../../helpers/run.js';

/** Both origins of a daemon: each ends in its own way. */
const ORIGINS = { 'the standby': {}, Node: { MVAS_STANDBY: '0' } };
const LAST_EVENTS = ['/tasks/exit', '/tasks/delete'];

/** A daemon whose only container is deleted, and which is shut down, while nobody receives events. */
async function shutDownUnheard(t: ExecutionContext, env: NodeJS.ProcessEnv): Promise<PrivateShim> {
  const shim = await PrivateShim.open(t, env);
  const bundle = shim.bundle('one', 'sleep 1000');
  const client = await shim.start('one');
  await client.create({ id: 'one', bundle });
  await client.start('one');
  await shim.told('/tasks/start');
  shim.refuseEvents();
  await client.kill({ id: 'one', signal: 9 });
  await client.wait('one');
  await client.delete('one');
  await client.shutdown('one');
  client.close();
  return shim;
}

for (const [origin, env] of Object.entries(ORIGINS)) {
  test(`a daemon of ${origin} ends though nobody takes its last events`, async (t) => {
    const shim = await shutDownUnheard(t, env);
    await t.notThrowsAsync(shim.ended());
    t.deepEqual(shim.topics.slice(-1), ['/tasks/start']);
  });

  test(`a daemon of ${origin} tells its last events to a containerd that comes back`, async (t) => {
    const shim = await shutDownUnheard(t, env);
    shim.takeEvents();
    await t.notThrowsAsync(shim.ended());
    await t.notThrowsAsync(shim.told('/tasks/delete'));
    t.deepEqual(shim.topics.slice(-2), LAST_EVENTS);
  });
}

for (const [origin, env] of Object.entries(ORIGINS)) {
  test(`a daemon of ${origin} without a container ends once its bundle is gone`, async (t) => {
    const shim = await PrivateShim.open(t, env);
    const bundle = shim.bundle('one', 'true');
    (await shim.start('one')).close();
    rmSync(bundle, { recursive: true });
    await t.notThrowsAsync(shim.ended());
  });
}

for (const [origin, env] of Object.entries(ORIGINS)) {
  test(`a daemon of ${origin} leaves a profile of its life, if that is asked for`, async (t) => {
    const profiles = mkdtempSync(join(tmpdir(), 'mvas-profiles-'));
    t.teardown(() => {
      rmSync(profiles, { recursive: true });
    });
    const shim = await shutDownUnheard(t, { ...env, MVAS_CPU_PROF: profiles });
    await shim.ended();
    const [name = '', ...others] = readdirSync(profiles);
    t.regex(name, /^\d+\.cpuprofile$/);
    t.deepEqual(others, []);
    const { samples } = JSON.parse(readFileSync(join(profiles, name), 'utf8')) as Profiler.Profile;
    t.true(samples !== undefined && samples.length > 1);
  });
}

/** Of a call: runc has been called by then, also on a busy machine. */
const LIMIT_MS = 5_000;

/** A runc that creates and hangs, and whose deletions wait for a file. */
const HANGS = `case " $* " in
  *" create "*) runc "$@"; exec sleep 1000;;
  *" delete "*) touch "$0.called"; while [ ! -e "$0.go" ]; do sleep 0.05; done;;
esac
exec runc "$@"`;

/** A daemon that is asked to shut down while it abandons a creation; `goOn` lets that end. */
async function givenUp(
  t: ExecutionContext,
): Promise<{ shim: PrivateShim; client: ShimClient; goOn: () => void }> {
  const shim = await PrivateShim.open(t);
  const bundle = shim.bundle('one', 'sleep 1000');
  const client = await shim.start('one');
  const runc = join(shim.directory, 'runc-hangs');
  const request = { id: 'one', bundle, options: shim.runc('runc-hangs', HANGS) };
  await t.throwsAsync(client.create(request, LIMIT_MS), { message: /no answer in/ });
  await until('the sweep', () => Promise.resolve(existsSync(`${runc}.called`)));
  await client.shutdown('one');
  t.is((await client.connect('one')).taskPid, 0);
  const goOn = (): void => {
    writeFileSync(`${runc}.go`, '');
  };
  return { shim, client, goOn };
}

test('a daemon that is shut down while it gives up a creation ends after that', async (t) => {
  const { shim, goOn } = await givenUp(t);
  goOn();
  await t.notThrowsAsync(shim.ended());
  t.deepEqual(await shim.leftovers('one'), []);
});

test('a creation that comes meanwhile keeps the daemon', async (t) => {
  const { shim, client, goOn } = await givenUp(t);
  await client.create({ id: 'two', bundle: shim.bundle('two', 'sleep 1000') });
  goOn();
  await until('the rest to be cleaned up', async () => (await shim.leftovers('one')).length === 0);
  await client.start('two');
  t.is((await client.state('two')).status, 2);
  await client.kill({ id: 'two', signal: 9 });
  await client.wait('two');
  await client.delete('two');
  await client.shutdown('two');
  await t.notThrowsAsync(shim.ended());
});
