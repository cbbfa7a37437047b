// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ShimError } from '../../../src/common/errors.js';
import { PrivateShim, runcOptions, type ShimClient } from '../../helpers/private-shim.js';
import { REPOSITORY } from '../../helpers/paths.js';
import { run } from '../../helpers/run.js';

const SLEEP = 'while :; do sleep 1; done';
const RUNNING = 2;
const PAUSED = 4;
const SIGKILL = 9;
const SIGUSR1 = 10;

/** A runtime that records each call, and may do something else for a verb. */
function noting(instead = ''): string {
  return `echo "$*" >> "$0.log"\n${instead}\nexec runc "$@"`;
}

/** crun, as the tests call it. */
function crunScript(): Promise<string> {
  const script = join(REPOSITORY, 'scripts/with-crun.sh');
  return run('bash', [script, 'sh', '-c', 'cat "$(command -v runc)"']);
}

async function started(
  t: ExecutionContext,
  script: string,
  name = 'youki',
): Promise<{ shim: PrivateShim; client: ShimClient; verbs: () => string[] }> {
  const shim = await PrivateShim.open(t);
  const bundle = shim.bundle('one', SLEEP);
  const client = await shim.start('one');
  await client.create({ id: 'one', bundle, options: shim.runc(name, script) });
  await client.start('one');
  const verbs = (): string[] => {
    const calls = readFileSync(join(shim.directory, `${name}.log`), 'utf8')
      .trimEnd()
      .split('\n');
    return calls.map((call) => call.replace(/^.* --log-format json /, ''));
  };
  return { shim, client, verbs };
}

test('a runtime other than runc is asked to pause, resume and kill', async (t) => {
  const { client, verbs } = await started(t, noting());
  await client.order('Pause', 'one');
  t.is((await client.state('one')).status, PAUSED);
  await client.order('Resume', 'one');
  t.is((await client.state('one')).status, RUNNING);
  await client.kill({ id: 'one', signal: SIGUSR1 });
  await client.kill({ id: 'one', signal: SIGUSR1, all: true });
  await client.order('Pause', 'one');
  await client.kill({ id: 'one', signal: SIGKILL });
  t.is(await client.wait('one'), 137);
  await t.throwsAsync(client.kill({ id: 'one', signal: SIGKILL }), { message: /already finished/ });
  const asked = verbs().filter((verb) => /^(pause|resume|kill)/.test(verb));
  t.deepEqual(asked, [
    'pause one',
    'resume one',
    `kill one ${String(SIGUSR1)}`,
    `kill --all one ${String(SIGUSR1)}`,
    'pause one',
    `kill one ${String(SIGKILL)}`,
  ]);
});

test('what a runtime refuses has not been done', async (t) => {
  const refuses = `case " $* " in *" pause "*|*" kill "*)
    echo '{"level":"error","msg":"not today"}' >> "$4"; exit 1;; esac`;
  const { shim, client } = await started(t, noting(refuses));
  const refused = { instanceOf: ShimError, message: /not today/ };
  await t.throwsAsync(client.order('Pause', 'one'), refused);
  t.is((await client.state('one')).status, RUNNING);
  await t.throwsAsync(client.kill({ id: 'one', signal: SIGKILL }), refused);
  t.is((await client.state('one')).status, RUNNING);
  const root = `/run/containerd/runc/${shim.namespace}`;
  await run('runc', ['--root', root, 'kill', 'one', 'KILL']);
  t.is(await client.wait('one'), 137);
});

test('runc by another path is runc', async (t) => {
  const { client, verbs } = await started(t, noting(), 'runc');
  await client.order('Pause', 'one');
  await client.order('Resume', 'one');
  await client.kill({ id: 'one', signal: SIGKILL });
  t.is(await client.wait('one'), 137);
  t.deepEqual(
    verbs().map((verb) => verb.split(' ')[0]),
    ['create'],
  );
});

test('crun creates, executes, pauses and deletes', async (t) => {
  const shim = await PrivateShim.open(t);
  const bundle = shim.bundle('one', SLEEP);
  const client = await shim.start('one');
  await client.create({ id: 'one', bundle, options: shim.runc('crun', await crunScript()) });
  await client.start('one');
  const value = Buffer.from(JSON.stringify({ args: ['/bin/busybox', 'false'], cwd: '/' }));
  await client.exec({ id: 'one', execId: 'e', spec: { value } });
  await client.start('one', 'e');
  t.is(await client.wait('one', 'e'), 1);
  await client.order('Pause', 'one');
  t.is((await client.state('one')).status, PAUSED);
  await client.order('Resume', 'one');
  await client.kill({ id: 'one', signal: SIGKILL });
  t.is(await client.wait('one'), 137);
  await client.delete('one');
  t.deepEqual(await shim.leftovers('one'), []);
});

test('a process of a paused container is killed, and the container stays paused', async (t) => {
  const { shim } = await started(t, noting());
  const bundle = shim.bundle('two', SLEEP);
  const client = await shim.start('two');
  await client.create({ id: 'two', bundle, options: runcOptions({}) });
  await client.start('two');
  const spec = {
    value: Buffer.from(JSON.stringify({ args: ['/bin/busybox', 'sleep', '99'], cwd: '/' })),
  };
  await client.exec({ id: 'two', execId: 'e', spec });
  await client.start('two', 'e');
  await client.order('Pause', 'two');
  await client.kill({ id: 'two', execId: 'e', signal: SIGKILL });
  const state = `/sys/fs/cgroup/freezer/${shim.namespace}/two/freezer.state`;
  t.is(readFileSync(state, 'utf8'), 'FROZEN\n');
  t.is((await client.state('two')).status, PAUSED);
  await client.order('Resume', 'two');
  t.is(await client.wait('two', 'e'), 137);
});
