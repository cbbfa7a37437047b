// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { ShimError } from '../../../src/common/errors.js';
import { imageArchive } from '../images/archive.js';
import { RootFilesystem } from '../images/rootfs.js';
import { RedisClient } from '../redis-client.js';
import type { Observation, Workload } from './workload.js';

/** Port of Redis, in the container's own network namespace. */
export const REDIS_PORT = 6379;
/** Bytes of each value that {@link fillRedis} sets. */
export const VALUE_BYTES = 1000;

/** How Redis is started, wherever its image runs. */
export const REDIS_COMMAND = [
  '/usr/bin/redis-server',
  ...['--port', String(REDIS_PORT), '--bind', '127.0.0.1', '--protected-mode', 'no'],
  ...['--save', '', '--appendonly', 'no', '--enable-debug-command', 'yes'],
];

// The value of a key follows from its name, so that any key can be verified from outside.
const FILL = `for i = tonumber(ARGV[1]), tonumber(ARGV[2]) do
  redis.call('SET', 'key:' .. i, string.rep(redis.sha1hex('key:' .. i), ${String(VALUE_BYTES / 40)}))
end`;
const BATCH = 20_000;

/** Sets as many keys as make about `mib` MiB of values; resolves with the number of keys. */
export async function fillRedis(
  client: RedisClient,
  mib: number,
  progress?: (done: number, of: number) => void,
): Promise<number> {
  const count = Math.ceil((mib * 1024 * 1024) / VALUE_BYTES);
  for (let first = 1; first <= count; first += BATCH) {
    const last = Math.min(first + BATCH - 1, count);
    await client.command('EVAL', FILL, 0, first, last);
    progress?.(last, count);
  }
  return count;
}

/** Compares `samples` keys, spread evenly, with what {@link fillRedis} set; rejects on a difference. */
export async function verifyRedis(
  client: RedisClient,
  count: number,
  samples = 200,
): Promise<void> {
  for (let sample = 0; sample < Math.min(samples, count); sample++) {
    const key = `key:${String(1 + Math.floor((sample * (count - 1)) / Math.max(1, samples - 1)))}`;
    const expected = createHash('sha1')
      .update(key)
      .digest('hex')
      .repeat(VALUE_BYTES / 40);
    if ((await client.command('GET', key)) !== expected) {
      throw new ShimError('dataLoss', `verify redis: ${key} has another value than was set`);
    }
  }
}

async function observe(pid: number): Promise<Observation> {
  const client = await RedisClient.open(pid, REDIS_PORT);
  try {
    const info = String(await client.command('INFO', 'server', 'stats'));
    const field = (name: string): string =>
      new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? '';
    const keys = Number(await client.command('DBSIZE'));
    const digest = String(await client.command('DEBUG', 'DIGEST'));
    await verifyRedis(client, keys - Number(await client.command('EXISTS', 'mutated')));
    return {
      birth: field('run_id'),
      progress: { commands: Number(field('total_commands_processed')) },
      fixed: { keys, digest },
    };
  } finally {
    client.close();
  }
}

async function withClient(
  pid: number,
  work: (client: RedisClient) => Promise<unknown>,
): Promise<void> {
  const client = await RedisClient.open(pid, REDIS_PORT);
  try {
    await work(client);
  } finally {
    client.close();
  }
}

/** Redis as uid 0, to be filled with `mib` MiB of values. */
export function redisWorkload(mib: number): Workload {
  return {
    name: `redis with ${String(mib)} MiB`,
    image: 'mvas.test/redis:1',
    processes: 1,
    ahead: 1000, // an observation is some 200 commands
    observe,
    prepare: (pid) => withClient(pid, (client) => fillRedis(client, mib)),
    mutate: (pid) => withClient(pid, (client) => client.command('SET', 'mutated', 'yes')),
    archive: redisArchive,
  };
}

/** Makes the Redis image, or finds it in the cache. */
export async function redisArchive(): Promise<string> {
  const rootfs = new RootFilesystem();
  await rootfs.binary('/usr/bin/redis-server');
  return await imageArchive('mvas.test/redis:1', rootfs, { args: REDIS_COMMAND });
}
