// SPDX-License-Identifier: Apache-2.0
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { ErrorKind } from '../../../src/common/errors.js';
import { ShimError } from '../../../src/common/errors.js';
import { PrivateShim, runcOptions, type ShimClient } from '../../helpers/private-shim.js';

const SLEEP = 'while :; do sleep 1; done';

interface Situation {
  readonly shim: PrivateShim;
  readonly client: ShimClient;
}

/** A daemon with a container that has to survive all requests to the daemon. */
async function situation(t: ExecutionContext): Promise<Situation> {
  const shim = await PrivateShim.open(t);
  const bundle = shim.bundle('good', SLEEP);
  const client = await shim.start('good');
  await client.create({ id: 'good', bundle });
  await client.start('good');
  return { shim, client };
}

/** Asserts that a Create is refused as it should be, leaves nothing, and harms nobody. */
async function refused(
  t: ExecutionContext,
  { shim, client }: Situation,
  request: Parameters<ShimClient['create']>[0],
  expected: { readonly kind: ErrorKind; readonly message: RegExp },
): Promise<void> {
  const error = await t.throwsAsync(client.create(request), { instanceOf: ShimError });
  t.is(error.kind, expected.kind, error.message);
  t.regex(error.message, expected.message);
  t.deepEqual(await shim.leftovers('bad'), []);
  t.is((await client.state('good')).status, 2);
  t.is((await client.connect('bad')).taskPid, 0);
}

test('specs that cannot be used are refused by their path', async (t) => {
  const all = await situation(t);
  const bundle = all.shim.bundle('bad', SLEEP);
  for (const [text, message] of [
    ['{"linux', /read spec .*\/bad\/config\.json: .*JSON/],
    ['', /read spec .*\/bad\/config\.json: /],
    ['null', /config\.json: it is not of type object/],
    ['[]', /config\.json: it is not of type object/],
    ['{"linux":7}', /linux is not of type object/],
    ['{"linux":{"cgroupsPath":7}}', /linux\.cgroupsPath is not of type string/],
    ['{"mounts":{}}', /mounts is not of type array/],
  ] as const) {
    writeFileSync(join(bundle, 'config.json'), text);
    await refused(t, all, { id: 'bad', bundle }, { kind: 'invalidArgument', message });
  }
  rmSync(join(bundle, 'config.json'));
  const message = /read spec .*ENOENT/;
  await refused(t, all, { id: 'bad', bundle }, { kind: 'invalidArgument', message });
});

test('a bundle without root filesystem, and one that is not there, are refused', async (t) => {
  const all = await situation(t);
  const bundle = all.shim.bundle('bad', SLEEP);
  rmSync(join(bundle, 'rootfs'), { recursive: true });
  await refused(t, all, { id: 'bad', bundle }, { kind: 'unknown', message: /rootfs/ });
  const absent = { id: 'bad', bundle: '/no/such/bundle' };
  await refused(t, all, absent, { kind: 'invalidArgument', message: /\/no\/such\/bundle/ });
  const relative = { id: 'bad', bundle: 'bundle' };
  await refused(t, all, relative, { kind: 'invalidArgument', message: /"bundle" .* not absolute/ });
});

test('ids that could lead elsewhere are refused', async (t) => {
  const all = await situation(t);
  const bundle = all.shim.bundle('bad', SLEEP);
  for (const id of ['', '../bad', 'a/b', '.bad', 'bad ', 'bad\n', '-bad', 'ü']) {
    await refused(
      t,
      all,
      { id, bundle },
      { kind: 'invalidArgument', message: /is not a valid identifier/ },
    );
  }
  for (const execId of ['', '../x', 'a/b', ' ']) {
    const error = await t.throwsAsync(all.client.exec({ id: 'good', execId }), {
      instanceOf: ShimError,
    });
    t.is(error.kind, 'invalidArgument');
  }
});

test('an id that is in use is not taken again', async (t) => {
  const all = await situation(t);
  const request = { id: 'good', bundle: all.shim.bundle('bad', SLEEP) };
  await refused(t, all, request, { kind: 'alreadyExists', message: /task good already exists/ });
});

test('options and annotations of the wrong type are refused, unknown ones are not', async (t) => {
  const all = await situation(t);
  const bundle = all.shim.bundle('bad', SLEEP);
  const options = { ...runcOptions({}), value: Buffer.from([0x32, 0x7f]) };
  await refused(
    t,
    all,
    { id: 'bad', bundle, options },
    { kind: 'invalidArgument', message: /runtime options containerd\.runc\.v1\.Options/ },
  );
  rmSync(bundle, { recursive: true });
  all.shim.bundle('bad', SLEEP, (spec) => ({ ...spec, annotations: { 'mvas.checkpoint': '?' } }));
  await refused(
    t,
    all,
    { id: 'bad', bundle },
    { kind: 'invalidArgument', message: /mvas\.checkpoint is "\?"/ },
  );
  const other = all.shim.bundle('other', SLEEP);
  const unknown = { typeUrl: 'some.body.Options', value: Buffer.from('garbage') };
  await t.notThrowsAsync(all.client.create({ id: 'other', bundle: other, options: unknown }));
});

test('streams that are not there, and mounts that cannot be made, leave nothing', async (t) => {
  const all = await situation(t);
  const bundle = all.shim.bundle('bad', SLEEP);
  const error = await t.throwsAsync(
    all.client.create({ id: 'bad', bundle, stdout: '/no/such/fifo' }),
  );
  t.regex(error.message, /\/no\/such\/fifo/);
  t.deepEqual(await all.shim.leftovers('bad'), []);
  const mounts = [
    { type: 'tmpfs', source: 'tmpfs' },
    { type: 'nosuchfs', source: 'none' },
  ];
  const request = { id: 'bad', bundle, rootfs: mounts };
  await refused(t, all, request, { kind: 'unknown', message: /mount nosuchfs/ });
});

test('a checkpoint that is none is refused', async (t) => {
  const all = await situation(t);
  const bundle = all.shim.bundle('bad', SLEEP);
  const error = await t.throwsAsync(
    all.client.create({ id: 'bad', bundle, checkpoint: '/no/such/image' }),
  );
  t.regex(error.message, /\/no\/such\/image/);
  t.deepEqual(await all.shim.leftovers('bad'), []);
});
