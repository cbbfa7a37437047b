// SPDX-License-Identifier: Apache-2.0
import { quiet } from '../test/helpers/netns-connection.js';
import { residentMemory } from '../test/helpers/procfs.js';
import { RedisClient } from '../test/helpers/redis-client.js';
import { REDIS_PORT, fillRedis, verifyRedis } from '../test/helpers/workloads/redis.js';
import { warmMemory } from './warm-memory.js';

/** Room for the copies of a snapshot that either side makes: in files, in a VAS, restored. */
const WARM_FACTOR = 3;

/** A restored Redis, and how long it took from the call until its first reply. */
export interface Restored {
  readonly id: string;
  readonly pid: number;
  readonly firstReplyMs: number;
}

/**
 * Sets `mib` MiB of values; resolves with the number of keys and the resident memory. Touches memory for what
 * follows, so that neither side finds it cold.
 */
export async function fill(
  pid: number,
  mib: number,
): Promise<{ readonly keys: number; readonly residentBytes: number }> {
  const seen = await withRedis(pid, async (client) => {
    await fillRedis(client, mib);
    const keys = Number(await client.command('DBSIZE'));
    return { keys, residentBytes: (await residentMemory(pid)).now };
  });
  await quiet(pid); // an open connection would have to be checkpointed as well
  await warmMemory(WARM_FACTOR * seen.residentBytes);
  return seen;
}

/** Compares values with what {@link fill} set, and resolves with the number of keys. */
export async function verify({ pid }: Restored, keys: number): Promise<number> {
  return await withRedis(pid, async (client) => {
    await verifyRedis(client, keys);
    return Number(await client.command('DBSIZE'));
  });
}

/** Restores by `restore`, then sends PING until the first PONG. The client is ready before. */
export async function timeFirstReply(
  id: string,
  restore: () => Promise<number>,
): Promise<Restored> {
  const client = await RedisClient.prepare(REDIS_PORT);
  try {
    const started = performance.now();
    const pid = await restore();
    client.enter(pid);
    await client.command('PING');
    return { id, pid, firstReplyMs: performance.now() - started };
  } finally {
    client.close();
  }
}

async function withRedis<T>(pid: number, work: (client: RedisClient) => Promise<T>): Promise<T> {
  const client = await RedisClient.open(pid, REDIS_PORT);
  try {
    return await work(client);
  } finally {
    client.close();
  }
}
