// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ShimError } from '../../../src/common/errors.js';
import { encode } from '../../../src/shim/proto/codec.js';
import { Options as MvasOptions } from '../../../src/common/messages/mvas-options.js';
import { removeVas, vasesOf } from '../../helpers/containerd-cleanup.js';
import { PrivateShim, runcOptions } from '../../helpers/private-shim.js';
import { leftAtLast, until } from '../../helpers/run.js';

const SLEEP = 'while :; do sleep 1; done';
const LARGE = 'x=0123456789abcdef; for i in $(busybox seq 18); do x=$x$x; done; echo > /ready';
const PAUSED = 4;

/** A container that runs a script. */
async function running(t: ExecutionContext, script = SLEEP, options = runcOptions({})) {
  const shim = await PrivateShim.open(t);
  t.teardown(async () => {
    for (const id of await vasesOf(shim)) await removeVas(shim, id);
  });
  const bundle = shim.bundle('one', script);
  const client = await shim.start('one');
  await client.create({ id: 'one', bundle, options });
  await client.start('one');
  const vases = async () => await vasesOf(shim);
  const first = async () => (await vases())[0];
  return { shim, bundle, client, vases, first, image: join(shim.directory, 'image') };
}

test('a checkpoint takes the VAS that is made when its client pauses the container', async (t) => {
  const { client, vases, first, image } = await running(t);
  await client.order('Pause', 'one');
  const vas = await until('a VAS', first);
  await client.checkpoint('one', image);
  t.is((await client.state('one')).status, PAUSED);
  t.deepEqual(await vases(), [vas]);
  await client.order('Resume', 'one');
  await client.checkpoint('one', join(image, '..', 'second'));
  const all = await vases();
  t.is(all.length, 2);
  t.true(all.includes(vas));
});

test('without a checkpoint that is removed, when the container is resumed or deleted', async (t) => {
  const { client, vases, first } = await running(t);
  await client.order('Pause', 'one');
  await until('a VAS', first);
  await client.order('Resume', 'one');
  await until('it to go', async () => (await vases()).length === 0);
  await client.order('Pause', 'one');
  await until('a VAS', first);
  await client.kill({ id: 'one', signal: 9 });
  await client.wait('one');
  await client.delete('one');
  t.deepEqual(await leftAtLast(vases), []);
});

test('it is limited like any other', async (t) => {
  const vasMemoryLimit = BigInt(1 << 20);
  const options = {
    typeUrl: MvasOptions,
    value: encode(MvasOptions, { runc: {}, vasMemoryLimit }),
  };
  const { client, bundle, vases, first, image } = await running(t, `${LARGE}; ${SLEEP}`, options);
  const ready = join(bundle, 'rootfs/ready');
  await until('memory to be filled', () => Promise.resolve(existsSync(ready)));
  await client.order('Pause', 'one');
  await until('a VAS', first);
  const error = await t.throwsAsync(client.checkpoint('one', image), { instanceOf: ShimError });
  t.is(error.kind, 'resourceExhausted', error.message);
  t.deepEqual(await leftAtLast(vases), []);
  t.is((await client.state('one')).status, PAUSED);
});
