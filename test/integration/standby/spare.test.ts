// SPDX-License-Identifier: Apache-2.0
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { REPOSITORY } from '../../helpers/paths.js';
import { run, until } from '../../helpers/run.js';
import { ShimStarter } from '../../helpers/shim-start.js';
import { knownTo, sparesOf, wordsOf } from '../../helpers/standbys.js';

/** A fork that has not been used by then will not be. */
const LONG_MS = 500;

let shims: ShimStarter;

test.before('a standby warms up', async (t) => {
  t.timeout(120_000);
  await run('bash', [join(REPOSITORY, 'scripts/bundle.sh')]);
  shims = new ShimStarter({ MVAS_STANDBY_WARM_UP: '1' });
  await shims.start({ id: 'first' });
});

test.after.always(() => shims.stop());

/** A spare that waits, and that its standby knows of: it can be killed if it hangs. */
async function spare(): Promise<number> {
  return await until(
    'a spare',
    () => {
      const known = new Set(shims.standbys().flatMap((standby) => knownTo(standby)));
      const found = sparesOf(shims.address).find(({ pid }) => known.has(pid));
      return Promise.resolve(found?.pid);
    },
    { timeoutMs: 100_000 },
  );
}

/** Starts a daemon; resolves with its pid. */
async function start(t: ExecutionContext, id: string): Promise<number> {
  const before = new Set(await shims.daemons());
  const { code, stdout, stderr } = await shims.start({ id });
  t.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  t.true(stdout.startsWith('unix://'));
  const [pid = 0, ...others] = (await shims.daemons()).filter((found) => !before.has(found));
  t.deepEqual(others, []);
  return pid;
}

const isAlive = (pid: number): boolean => wordsOf(pid, 'cmdline').length > 0;
const isForked = (pid: number): boolean => wordsOf(pid, 'cmdline')[1] === '-namespace';

test.serial('a start is served by the spare, and the next one by another', async (t) => {
  t.timeout(120_000);
  // One that does not answer within half a second, on a busy machine, is killed, and the standby forks.
  const served = new Set<number>();
  for (let n = 0; n < 6 && served.size < 2; n += 1) {
    const waiting = await spare();
    if ((await start(t, `served-${String(n)}`)) === waiting) served.add(waiting);
  }
  t.is(served.size, 2);
});

test.serial('its daemon is as one that was forked for its connection', async (t) => {
  await spare();
  const view = (pid: number, id: string) => {
    const read = (file: string) => readFileSync(`/proc/${String(pid)}/${file}`, 'utf8');
    const directory = `/proc/${String(pid)}/fd`;
    const descriptors = readdirSync(directory).map((fd) => readlinkSync(join(directory, fd)));
    return {
      words: wordsOf(pid, 'cmdline').map((word) =>
        word.replace(new RegExp(`${id}|[0-9a-f]{64}`, 'g'), '*'),
      ),
      descriptors: descriptors.map((link) => link.replace(/\d+/g, '*')).sort(),
      status: read('status').match(/^(Sig(Blk|Ign|Cgt)|Threads|FDSize):.*$/gm),
      priority: getPriority(pid),
      cwd: readlinkSync(`/proc/${String(pid)}/cwd`).replace(id, '*'),
    };
  };
  const bySpare = await start(t, 'spared');
  const byFork = await start(t, 'forked');
  // They load parts first, and close what they have opened for that.
  const areAlike = (): boolean => {
    try {
      return isDeepStrictEqual(view(bySpare, 'spared'), view(byFork, 'forked'));
    } catch {
      return false; // A descriptor has been closed meanwhile.
    }
  };
  await until('both to have settled', () => Promise.resolve(areAlike())).catch(() => undefined);
  t.deepEqual(view(bySpare, 'spared'), view(byFork, 'forked'));
  t.true(isForked(bySpare) && isForked(byFork));
});

test.serial('without a spare, the standby forks', async (t) => {
  const killed = await spare();
  process.kill(killed, 'SIGKILL');
  await sleep(LONG_MS);
  t.true(isForked(await start(t, 'killed')));
  t.not(await spare(), killed);
});

test.serial('starts at the same time: each has a daemon', async (t) => {
  await spare();
  const before = (await shims.daemons()).length;
  const ids = ['a', 'b', 'c', 'd'].map((id) => shims.start({ id }));
  for (const { code, stderr } of await Promise.all(ids)) t.deepEqual([code, stderr], [0, '']);
  const daemons = await shims.daemons();
  t.is(daemons.length, before + ids.length);
  t.true(daemons.every(isForked));
});

test.serial('one that hangs is killed, and the standby forks', async (t) => {
  const hanging = await spare();
  process.kill(hanging, 'SIGSTOP');
  t.true(isForked(await start(t, 'hangs')));
  await until('it to go', () => Promise.resolve(!isAlive(hanging)));
});

test.serial('it ends with its standby', async (t) => {
  await start(t, 'later');
  await spare();
  const [standby] = shims.standbys();
  process.kill(standby?.pid ?? 0, 'SIGKILL');
  await until('it to go', () => Promise.resolve(sparesOf(shims.address).length === 0));
  t.pass();
});
