// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import {
  checkpointContainer,
  removeImage,
  restoreContainer,
  runContainer,
} from '../helpers/containers.js';
import { RedisClient } from '../helpers/redis-client.js';
import { until } from '../helpers/run.js';
import { REDIS_PORT, redisWorkload } from '../helpers/workloads/redis.js';
import {
  IS_RUNC,
  containerId,
  daemon,
  leavesNothingBehind,
  remove,
  useContainerd,
} from './context.js';

const redis = redisWorkload(1);
useContainerd([redis.archive]);

/** Checkpoints a redis that somebody outside is connected to, which is left running; returns the checkpoint. */
async function checkpointConnected(
  t: ExecutionContext,
  name: string,
  flags: readonly string[] = [],
): Promise<string> {
  const id = containerId(t, name);
  const client = await RedisClient.open(
    await runContainer(daemon(), { id, image: redis.image, flags }),
    REDIS_PORT,
  );
  t.teardown(() => {
    client.close();
  });
  t.is(await client.command('SET', 'name', name), 'OK');
  const reference = `connections-${name}:1`;
  await checkpointContainer(daemon(), id, reference);
  t.is(await client.command('GET', 'name'), name, 'it goes on');
  await remove(t, id);
  return reference;
}

if (!IS_RUNC) {
  test.serial('a restore ends connections to the outside, and the log counts them', async (t) => {
    const reference = await checkpointConnected(t, 'close');
    const id = containerId(t, 'closed');
    const client = await RedisClient.open(
      await restoreContainer(daemon(), id, reference),
      REDIS_PORT,
    );
    t.is(await client.command('GET', 'name'), 'close');
    client.close();
    const said = () => readFileSync(daemon().logFile, 'utf8');
    const line = /TCP connections have ended count=1\b/;
    await t.notThrowsAsync(until('the log', () => Promise.resolve(line.test(said()))));
    await remove(t, id);
    await removeImage(daemon(), reference);
  });

  test.serial('an annotation refuses a restore that would end connections', async (t) => {
    const reference = await checkpointConnected(t, 'refuse', ['--annotation', 'mvas.tcp=refuse']);
    const id = containerId(t, 'refused');
    await t.throwsAsync(restoreContainer(daemon(), id, reference), {
      message:
        /its TCP connection from 127\.0\.0\.1:6379 to 127\.0\.0\.1:\d+ would end \(tcp=refuse\)/,
    });
    await removeImage(daemon(), reference);
  });
}

leavesNothingBehind();
