// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ShimError } from '../../../src/common/errors.js';
import { PrivateShim, runcOptions, type ShimClient } from '../../helpers/private-shim.js';
import { until } from '../../helpers/run.js';

const SLEEP = 'while :; do sleep 1; done';
const EXEC = { typeUrl: 'Process', value: Buffer.from(JSON.stringify(execSpec())) };

function execSpec(): object {
  return { args: ['/bin/busybox', 'sleep', '1000'], cwd: '/', user: { uid: 0, gid: 0 } };
}

async function daemon(t: ExecutionContext): Promise<{ shim: PrivateShim; client: ShimClient }> {
  const shim = await PrivateShim.open(t);
  shim.bundle('bad', SLEEP);
  return { shim, client: await shim.start('bad') };
}

/** A runc that does something else for one verb; `touch "$0.called"` tells the test that it was called. */
function only(verb: string, instead: string): string {
  const called = `case " $* " in *" ${verb} "*) touch "$0.called"; ${instead};; esac`;
  return `${called}\nexec runc "$@"`;
}

for (const [what, script, message] of [
  ['is not there', undefined, /run \/no\/such\/runc create for task bad: .*ENOENT/],
  ['fails and prints garbage', 'head -c 1000 /dev/urandom; exit 3', /exit status 3/],
  ['logs garbage', 'echo "}{ garbage" > "$4"; exit 1', /exit status 1/],
  ['claims to have created', 'exit 0', /init\.pid: runc has written no pid/],
  ['names a pid of somebody else', 'echo 1 > "${11}"', /pid 1 is not a child of this process/],
  [
    'fails after all was created',
    'runc "$@"; echo "{\\"level\\":\\"error\\",\\"msg\\":\\"late\\"}" >> "$4"; exit 1',
    /OCI runtime create failed: late \(task bad\)/,
  ],
] as const) {
  test(`a runc that ${what} makes Create fail and leaves nothing`, async (t) => {
    const { shim, client } = await daemon(t);
    const options =
      script === undefined
        ? runcOptions({ binaryName: '/no/such/runc' })
        : shim.runc('runc-bad', only('create', `${script}; exit`));
    const bundle = join(shim.directory, 'bad');
    const error = await t.throwsAsync(client.create({ id: 'bad', bundle, options }));
    t.regex(error.message, message);
    t.deepEqual(await shim.leftovers('bad'), []);
    await t.throwsAsync(client.delete('bad'), { message: /not found/ });
    await client.create({ id: 'bad', bundle }); // the same daemon, with the right runc
    await client.start('bad');
    await client.kill({ id: 'bad', signal: 9 });
    t.is(await client.wait('bad'), 137);
    await client.delete('bad');
    await client.shutdown('bad');
    await shim.ended();
    await shim.told('/tasks/delete');
    t.deepEqual(
      shim.topics,
      ['create', 'start', 'exit', 'delete'].map((name) => `/tasks/${name}`),
    );
  });
}

test('a create that hangs ends with the deletion of its task', async (t) => {
  const { shim, client } = await daemon(t);
  const options = shim.runc('runc-hangs', only('create', 'exec sleep 1000'));
  const creating = client.create({ id: 'bad', bundle: join(shim.directory, 'bad'), options });
  const failed = t.throwsAsync(creating, { instanceOf: ShimError });
  await until('runc to be called', () =>
    Promise.resolve(existsSync(join(shim.directory, 'runc-hangs.called'))),
  );
  await t.throwsAsync(client.delete('bad'), { message: /not found/ });
  t.regex((await failed).message, /create for task bad: it did not end in time/);
  t.deepEqual(await shim.leftovers('bad'), []);
  await client.shutdown('bad');
  await shim.ended();
});

test('a create that hangs half-way ends with the time limit of the call', async (t) => {
  const { shim, client } = await daemon(t);
  const script = only('create', 'runc "$@"; exec sleep 1000');
  const bundle = join(shim.directory, 'bad');
  const request = { id: 'bad', bundle, options: shim.runc('runc-hangs', script) };
  await t.throwsAsync(client.create(request, 5_000), { message: /no answer in/ });
  await until('everything to be cleaned up', async () => {
    return (await shim.leftovers('bad')).length === 0;
  });
  await t.throwsAsync(client.state('bad'), { message: /not found/ });
  await client.shutdown('bad');
  await shim.ended();
});

test('an exec or start that hangs does not outlive the container', async (t) => {
  const { shim, client } = await daemon(t);
  const options = shim.runc('runc-hangs', only('exec', 'exec sleep 1000'));
  await client.create({ id: 'bad', bundle: join(shim.directory, 'bad'), options });
  await client.start('bad');
  await client.exec({ id: 'bad', execId: 'one', spec: EXEC });
  const failed = t.throwsAsync(client.start('bad', 'one'), { instanceOf: ShimError });
  await until('runc to be called', () =>
    Promise.resolve(existsSync(join(shim.directory, 'runc-hangs.called'))),
  );
  t.is((await client.state('bad')).status, 2);
  await client.kill({ id: 'bad', signal: 9 });
  t.is(await client.wait('bad'), 137);
  t.regex((await failed).message, /exec for task bad: it did not end in time/);
  t.is((await client.delete('bad')).exitStatus, 137);
  t.deepEqual(await shim.leftovers('bad'), []);
});

test('an exec that fails says so, can be deleted, and is the only one harmed', async (t) => {
  const { shim, client } = await daemon(t);
  await client.create({ id: 'bad', bundle: join(shim.directory, 'bad') });
  await client.start('bad');
  const spec = { ...EXEC, value: Buffer.from('{"args":["/no/such/program"],"cwd":"/"}') };
  await client.exec({ id: 'bad', execId: 'one', spec });
  await t.throwsAsync(client.start('bad', 'one'), { message: /no such file or directory/ });
  t.is((await client.state('bad', 'one')).status, 1);
  await t.notThrowsAsync(client.wait('bad', 'one'));
  await client.delete('bad', 'one');
  const garbage = client.exec({ id: 'bad', execId: 'two', spec: { value: Buffer.from('{') } });
  await t.throwsAsync(garbage, { message: /read process spec/ });
  t.is((await client.state('bad')).status, 2);
});
