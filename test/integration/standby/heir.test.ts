// SPDX-License-Identifier: Apache-2.0
import { closeSync, existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { tryLock } from '../../../src/native/directory-lock.js';
import { run, until } from '../../helpers/run.js';
import { REPOSITORY } from '../../helpers/paths.js';
import { ShimStarter } from '../../helpers/shim-start.js';
import { standbysOf, withEnvironmentOf, wordsOf, type Standby } from '../../helpers/standbys.js';

/** Longer than a standby waits before it makes an heir. */
const PAUSE_MS = 400;

test.before('bundle what was compiled', async () => {
  await run('bash', [join(REPOSITORY, 'scripts/bundle.sh')]);
});

function starter(t: ExecutionContext): ShimStarter {
  const shims = new ShimStarter({ MVAS_STANDBY_WARM_UP: '2' });
  t.teardown(() => shims.stop());
  return shims;
}

/** A standby and its heir; the programs that the heir runs have its arguments for a moment, and are younger. */
async function withHeir(shims: ShimStarter): Promise<readonly [Standby, Standby]> {
  return await until('a standby with an heir', () => {
    const [standby, heir] = standbysOf(shims.address);
    return Promise.resolve(standby && heir && ([standby, heir] as const));
  });
}

async function startsByFork(t: ExecutionContext, shims: ShimStarter, id: string): Promise<void> {
  const { code, stdout, stderr } = await shims.start({ id });
  t.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  t.true(stdout.startsWith('unix://'));
  const pids = await shims.daemons();
  t.true(
    pids.every((pid) => wordsOf(pid, 'cmdline')[1] === '-namespace'),
    'all are forks',
  );
}

test.serial(
  'a standby is replaced by what its heir has become, and all starts are served',
  async (t) => {
    t.timeout(120_000);
    const shims = starter(t);
    await startsByFork(t, shims, 'first');
    const [first] = await withHeir(shims);
    const seen = new Set([first.pid]);
    for (let count = 0; seen.size < 3; count += 1) {
      await startsByFork(t, shims, `next-${String(count)}`);
      await sleep(PAUSE_MS);
      const [standby] = shims.standbys();
      t.is(standby?.directory, first.directory);
      if (standby) seen.add(standby.pid);
    }
    await until('one to be left', () => Promise.resolve(standbysOf(shims.address).length === 1));
    await startsByFork(t, shims, 'last');
  },
);

test.serial('a standby whose heir is killed goes on', async (t) => {
  const shims = starter(t);
  await startsByFork(t, shims, 'first');
  const [standby, heir] = await withHeir(shims);
  process.kill(heir.pid, 'SIGKILL');
  await sleep(PAUSE_MS);
  await startsByFork(t, shims, 'second');
  await until('one to be left', () => Promise.resolve(standbysOf(shims.address).length === 1));
  t.deepEqual(shims.standbys(), [standby]);
});

test.serial('an heir ends with its standby', async (t) => {
  const shims = starter(t);
  await startsByFork(t, shims, 'first');
  const [standby] = await withHeir(shims);
  process.kill(standby.pid, 'SIGKILL');
  await until('both to be gone', () => Promise.resolve(standbysOf(shims.address).length === 0));
  await untilFree(standby);
  await startsByFork(t, shims, 'second');
});

test.serial('a standby that is told to end takes its heir along', async (t) => {
  const shims = starter(t);
  await startsByFork(t, shims, 'first');
  const [standby] = await withHeir(shims);
  process.kill(standby.pid, 'SIGTERM');
  await until('both to be gone', () => Promise.resolve(standbysOf(shims.address).length === 0));
  t.false(existsSync(standby.directory));
});

test.serial('a standby that is told to end after its heir has taken over ends alone', async (t) => {
  const shims = starter(t);
  await startsByFork(t, shims, 'first');
  const [{ pid, directory }] = await withHeir(shims);
  const socket = (): number => statSync(join(directory, 'socket')).ino;
  const before = socket();
  process.kill(pid, 'SIGSTOP'); // It ends soon after that.
  await until('the heir to take over', () => Promise.resolve(socket() !== before), { everyMs: 2 });
  process.kill(pid, 'SIGTERM');
  process.kill(pid, 'SIGCONT');
  await until('one to be left', () => Promise.resolve(standbysOf(shims.address).length === 1));
  t.is(shims.standbys()[0]?.directory, directory);
  t.true(existsSync(join(directory, 'socket')));
  await startsByFork(t, shims, 'second');
});

for (const victim of ['a standby', 'an heir'] as const) {
  test.serial(`${victim} that is killed in a rehearsal leaves nothing`, async (t) => {
    t.timeout(120_000);
    const shims = starter(t);
    for (const afterMs of [0, 3, 10, 30, 100, 300]) {
      await startsByFork(t, shims, `after-${String(afterMs)}`);
      const [first] = await withHeir(shims);
      const { standby, heir } = await rehearsing(shims, first);
      await sleep(afterMs);
      process.kill(victim === 'an heir' ? heir.pid : standby.pid, 'SIGKILL');
      if (victim === 'an heir') {
        await until('the standby to be alone', () => isLeft(shims, [standby.pid]));
        process.kill(standby.pid, 'SIGKILL');
      }
      await until('nothing to be left', () => isLeft(shims, []));
      await untilFree(standby);
      if (victim === 'a standby') t.false(existsSync(standby.directory));
    }
  });
}

/** The second standby, whose heir has just started a model of a container: the first of many. */
async function rehearsing(
  shims: ShimStarter,
  first: Standby,
): Promise<{ readonly standby: Standby; readonly heir: Standby }> {
  return await until('a rehearsal', async () => {
    const [standby, heir] = standbysOf(shims.address);
    const isModel = (pid: number): boolean => nameOf(pid) === 'mvas-model';
    const hasModel = (await othersThanDaemons(shims)).some(isModel);
    return standby && standby.pid !== first.pid && heir && hasModel && { standby, heir };
  });
}

/** A process that ends closes its socket later than its memory goes, and a start that is still taken by it is not by a fork. */
async function untilFree({ directory }: Standby): Promise<void> {
  await until('nobody to have the directory', () => Promise.resolve(isFree(directory)));
}

function isFree(directory: string): boolean {
  if (!existsSync(directory)) return true;
  const lock = tryLock(directory);
  if (lock !== undefined) closeSync(lock);
  return lock !== undefined;
}

/** Whether these are all processes of the shims but their daemons; throws the names of others. */
async function isLeft(shims: ShimStarter, pids: readonly number[]): Promise<boolean> {
  const others = (await othersThanDaemons(shims)).filter((pid) => !pids.includes(pid));
  const describe = (pid: number): string =>
    [pid, nameOf(pid), ...wordsOf(pid, 'cmdline')].join(' ').trim();
  if (others.length > 0) throw new RangeError(others.map(describe).join('; '));
  return true;
}

async function othersThanDaemons(shims: ShimStarter): Promise<number[]> {
  const daemons = await shims.daemons();
  return withEnvironmentOf(shims.address).filter((pid) => !daemons.includes(pid));
}

function nameOf(pid: number): string {
  try {
    return readFileSync(`/proc/${String(pid)}/comm`, 'utf8').trim();
  } catch {
    return ''; // It has ended meanwhile.
  }
}
