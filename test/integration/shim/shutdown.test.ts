// SPDX-License-Identifier: Apache-2.0
import test, { type ExecutionContext } from 'ava';
import { PrivateShim } from '../../helpers/private-shim.js';

/** Both ways in which a daemon comes to be: they end in different ones. */
const ORIGINS = { 'the standby': {}, Node: { MVAS_STANDBY: '0' } };
const LAST_EVENTS = ['/tasks/exit', '/tasks/delete'];

/** A daemon whose only container is deleted, and which is shut down, while nobody takes events. */
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
