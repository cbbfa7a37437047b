// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { socketPath } from '../../../src/common/daemon-socket.js';
import { PrivateShim, runcOptions } from '../../helpers/private-shim.js';

for (const [origin, env] of [
  ['the standby', {}],
  ['Node', { MVAS_STANDBY: '0' }],
] as const) {
  test(`a daemon of ${origin} moves into the cgroup named by its options`, async (t) => {
    const shim = await PrivateShim.open(t, env);
    shim.bundle('one', 'sleep 1000');
    const cgroup = `/${shim.namespace}/of/the/shim`;
    const client = await shim.start('one', runcOptions({ shimCgroup: cgroup }));
    const { shimPid } = await client.connect('one');
    const lines = readFileSync(`/proc/${String(shimPid)}/cgroup`, 'utf8')
      .trimEnd()
      .split('\n');
    t.true(lines.length > 0);
    for (const line of lines) t.true(line.endsWith(`:${cgroup}`), line);
    await client.shutdown('one');
    await shim.ended();
  });

  test(`a daemon of ${origin} that cannot move there does not start`, async (t) => {
    const shim = await PrivateShim.open(t, env);
    shim.bundle('one', 'sleep 1000');
    const options = runcOptions({ shimCgroup: '/cgroup.procs/no/directory' });
    await t.throwsAsync(shim.start('one', options), { message: /ENOTDIR/ });
    await shim.ended();
    t.false(existsSync(socketPath('/run/containerd/s', shim.address, shim.namespace, 'one')));
    t.false(existsSync(join(shim.directory, 'one', 'address')));
  });
}
