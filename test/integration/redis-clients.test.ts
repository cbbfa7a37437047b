// SPDX-License-Identifier: Apache-2.0
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { REPOSITORY } from '../helpers/paths.js';
import { RedisClient } from '../helpers/redis-client.js';
import { run, until } from '../helpers/run.js';
import { makeBundle } from '../helpers/targets-bundle.js';
import { mvasEngine, runCommand, type Place } from '../helpers/targets-engine.js';
import { librariesOf } from '../helpers/targets-run.js';
import { REDIS_COMMAND, REDIS_PORT } from '../helpers/workloads/redis.js';

const [SHELL, SERVER, CLI] = ['/usr/bin/dash', '/usr/bin/redis-server', '/usr/bin/redis-cli'];
/** A server, and a client that counts over one connection. */
const SCRIPT = `exec >/dev/null 2>&1
${REDIS_COMMAND.map((word) => `'${word}'`).join(' ')} &
until ${CLI} PING; do :; done
exec ${CLI} -r -1 -i 0.02 INCR inside`;

test('redis keeps its client inside, and loses one outside only at a restore', async (t) => {
  const engine = mvasEngine(REPOSITORY);
  const folder = mkdtempSync(join(tmpdir(), 'mvas-redis-'));
  const id = `redis-${folder.slice(-6)}`;
  const place: Place = { id, bundle: join(folder, 'bundle'), runcRoot: join(folder, 'runc') };
  const runc = (...args: string[]): Promise<unknown> =>
    run('runc', ['--root', place.runcRoot, ...args]);
  const log = openSync(join(folder, 'log'), 'w');
  t.teardown(async () => {
    await runc('delete', '--force', id);
    await engine.discard(place);
    closeSync(log);
    rmSync(folder, { recursive: true });
  });
  const others = [SERVER, CLI].flatMap((binary) => [binary, ...librariesOf(binary)]);
  makeBundle({
    ...{ path: place.bundle, binary: SHELL, args: ['-c', SCRIPT], cgroup: `/mvas-${id}` },
    ...{ extraCapabilities: [], wantsRealtime: false },
    libraries: [...new Set([...librariesOf(SHELL), ...others])],
  });
  const start = ['runc', '--root', place.runcRoot, 'run', '--detach', '--bundle', place.bundle, id];
  t.is((await runCommand(start, log)).status, 0);
  const initPid = async (): Promise<number> => {
    const { stdout } = await runCommand(['runc', '--root', place.runcRoot, 'state', id]);
    return (JSON.parse(stdout) as { pid: number }).pid;
  };

  const outside = await RedisClient.open(await initPid(), REDIS_PORT);
  t.teardown(() => {
    outside.close();
  });
  const outsideId = await outside.command('CLIENT', 'ID');
  await count(outside, 0);
  const insideId = await idInside(outside);
  t.truthy(insideId);
  const imagePath = join(folder, 'image');
  const checkpoint = await engine.checkpoint(place, imagePath, true);
  t.is(checkpoint.status, 0, checkpoint.stderr);
  t.is(await outside.command('CLIENT', 'ID'), outsideId);
  const counted = await count(outside, Number(await outside.command('GET', 'inside')));
  t.is(await idInside(outside), insideId);

  await runc('delete', '--force', id);
  t.is((await engine.restore(place, imagePath, log)).status, 0);
  const later = await RedisClient.open(await initPid(), REDIS_PORT);
  t.teardown(() => {
    later.close();
  });
  t.is(await idInside(later), insideId);
  await count(later, counted);
  await until('the server to notice that a client is gone', async () => {
    const list = String(await later.command('CLIENT', 'LIST', 'ID', String(outsideId)));
    return !list.includes('id=');
  });
});

/** Waits until the client inside has counted further; resolves with its count. */
async function count(client: RedisClient, from: number): Promise<number> {
  let now = from;
  await until('the client inside to go on', async () => {
    now = Number(await client.command('GET', 'inside'));
    return now > from;
  });
  return now;
}

/** The number that the server gave the connection of the client inside. */
async function idInside(client: RedisClient): Promise<string | undefined> {
  const list = String(await client.command('CLIENT', 'LIST'));
  return /^id=(\d+) .*cmd=incr /m.exec(list)?.[1];
}
