// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { PrivateShim } from '../../helpers/private-shim.js';

/** The life of a container, by a runc that notes its verbs. Resolves with those. */
async function verbsOf(
  t: ExecutionContext,
  command: string,
  edit: (spec: Record<string, unknown>, directory: string) => unknown = (spec) => spec,
): Promise<{ readonly verbs: string[]; readonly status: number; readonly shim: PrivateShim }> {
  const shim = await PrivateShim.open(t);
  const bundle = shim.bundle('one', command, (spec) => edit(spec, shim.directory));
  mkdirSync(join(shim.directory, 'bin'));
  const verb = `for word; do case $word in create|start|delete) echo $word >> ${shim.directory}/verbs;; esac; done`;
  const options = shim.runc('bin/runc', `${verb}\nexec /usr/sbin/runc "$@"`);
  const client = await shim.start('one', options);
  await client.create({ id: 'one', bundle, options });
  await client.start('one');
  const status = await client.wait('one');
  await client.delete('one');
  t.deepEqual(await shim.leftovers('one'), []);
  await client.shutdown('one');
  await shim.ended();
  const verbs = readFileSync(join(shim.directory, 'verbs'), 'utf8').trim().split('\n');
  return { verbs, status, shim };
}

test('the life of an ordinary container takes one runc', async (t) => {
  const { verbs, status } = await verbsOf(t, 'exit 7');
  t.deepEqual({ verbs, status }, { verbs: ['create'], status: 7 });
});

test('a container that leaves cgroups of its own is deleted by runc', async (t) => {
  const mount = {
    ...{ type: 'cgroup', source: 'cgroup', destination: '/sys/fs/cgroup' },
    options: ['rw'],
  };
  const { verbs } = await verbsOf(t, 'mkdir /sys/fs/cgroup/pids/own', (spec) => ({
    ...spec,
    mounts: [...(spec['mounts'] as object[]), mount],
  }));
  t.deepEqual(verbs, ['create', 'delete']);
});

test('hooks for the start and the end of a container are run', async (t) => {
  const { verbs, shim } = await verbsOf(t, 'true', (spec, directory) => {
    const hook = (name: string) => {
      const path = join(directory, name);
      writeFileSync(path, `#!/bin/sh\necho ran > ${path}.ran\n`, { mode: 0o755 });
      return [{ path }];
    };
    return { ...spec, hooks: { poststart: hook('started'), poststop: hook('stopped') } };
  });
  t.deepEqual(verbs, ['create', 'start', 'delete']);
  for (const name of ['started', 'stopped'])
    t.true(existsSync(join(shim.directory, `${name}.ran`)));
});
