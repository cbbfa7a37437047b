// SPDX-License-Identifier: Apache-2.0
import {
  closeSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { socketPath } from '../../../src/common/daemon-socket.js';
import { tryLock } from '../../../src/native/directory-lock.js';
import { isAlive } from '../../../src/shim/socket.js';
import { BIN, REPOSITORY } from '../../helpers/paths.js';
import { run, until } from '../../helpers/run.js';
import { ShimStarter, type StartRequest } from '../../helpers/shim-start.js';
import { stop, wordsOf } from '../../helpers/standbys.js';

const BY_NODE = { MVAS_STANDBY: '0' };
/** Variables that make Node or its libraries print, or refuse to run. */
const LOUD = [
  {
    NODE_OPTIONS: '--trace-gc --inspect=0 --trace-warnings',
    NODE_DEBUG: 'net,module,child_process',
  },
  { NODE_OPTIONS: '--no-such-flag' },
  { NODE_OPTIONS: '--require /no/such/module', NODE_PENDING_DEPRECATION: '1', DEBUG: '*' },
];
const SHIM_DIRECTORY = '/run/containerd/s';
/** Than a launcher waits for an answer. */
const LONGER_MS = 3_000;

test.before('bundle what was compiled', async () => {
  await run('bash', [join(REPOSITORY, 'scripts/bundle.sh')]);
});

/** A starter that is stopped when the test ends. */
function starter(t: ExecutionContext, env: NodeJS.ProcessEnv = {}): ShimStarter {
  const shims = new ShimStarter(env);
  t.teardown(() => shims.stop());
  return shims;
}

/** Runs `start`, which has to succeed; resolves with the daemon's pid. */
async function daemonOf(
  t: ExecutionContext,
  shims: ShimStarter,
  request: StartRequest,
): Promise<number> {
  const { code, stdout, stderr } = await shims.start(request);
  t.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  t.is(readFileSync(join(shims.bundle(request.id), 'address'), 'utf8'), stdout);
  return await shims.daemonAt(stdout);
}

/** Whether a standby forked the daemon: one that Node started has Node's arguments. */
const isForked = (pid: number): boolean => wordsOf(pid, 'cmdline')[1] === '-namespace';

/** Waits for two daemons to be left: a fork that finds another daemon of its group has answered before it ends. */
async function two(shims: ShimStarter): Promise<void> {
  await until('two daemons', async () => (await shims.daemons()).length === 2);
}

const addressOf = (shims: ShimStarter, group: string): string =>
  socketPath(SHIM_DIRECTORY, shims.address, 'ns', group);

test.serial('the first start starts a standby, which later ones use', async (t) => {
  const shims = starter(t);
  t.true(isForked(await daemonOf(t, shims, { id: 'first' })));
  const standby = await shims.standby();
  const { stdout } = await shims.start({ id: 'second' });
  t.is(stdout, `unix://${addressOf(shims, 'second')}`);
  await t.notThrowsAsync(two(shims));
  t.deepEqual(shims.standbys(), [standby]);
});

test.serial('without a standby, if so wished', async (t) => {
  const shims = starter(t, BY_NODE);
  t.false(isForked(await daemonOf(t, shims, { id: 'one' })));
  t.deepEqual(shims.standbys(), []);
});

for (const [index, loud] of LOUD.entries()) {
  test.serial(
    `an address alone is printed, whatever the environment says: ${index + 1}`,
    async (t) => {
      const shims = starter(t, loud);
      await daemonOf(t, shims, { id: 'one', env: BY_NODE, group: 'one' });
      await daemonOf(t, shims, { id: 'two', env: BY_NODE, group: 'one' });
      await shims.start({ id: 'three' });
      const { code, stderr } = await shims.start({ id: 'four' });
      t.deepEqual({ code, stderr }, { code: 0, stderr: '' });
      await t.notThrowsAsync(shims.standby());
    },
  );
}

test.serial('by a symbolic link, from anywhere', async (t) => {
  const shims = starter(t);
  const binary = join(shims.directory, 'containerd-shim-other-v9');
  symlinkSync(join(BIN, 'containerd-shim-mvas-v1'), binary);
  t.true(isForked(await daemonOf(t, shims, { id: 'linked', binary })));
});

test.serial('a daemon is the same whichever way it was started', async (t) => {
  const shims = starter(t);
  const wrapper = ['prlimit', '--nofile=5000:6000', 'nice', '-n', '3'];
  const forked = await daemonOf(t, shims, { id: 'forked', wrapper });
  t.true(isForked(forked));
  const seen = await view(forked, 'forked');
  process.kill(forked, 'SIGKILL');
  await until('its end', async () => (await shims.daemons()).length === 0);
  const started = await daemonOf(t, shims, { id: 'started', env: BY_NODE, wrapper });
  t.false(isForked(started));
  const expected = await view(started, 'started');
  t.deepEqual(seen, { ...expected, environment: seen.environment });
  const own = `MVAS_STANDBY=${BY_NODE.MVAS_STANDBY}`;
  t.deepEqual(
    seen.environment,
    expected.environment.filter((word) => word !== own),
  );
});

test.serial('what containerd writes to stdin is read on either way', async (t) => {
  const shims = starter(t);
  const directory = join(shims.directory, 's');
  const input = (id: string): Buffer => socketsIn(directory, id);
  for (const [id, env] of Object.entries({ forked: {}, started: BY_NODE })) {
    const { stdout } = await shims.start({ id, env, input: input(id) });
    t.is(stdout, `unix://${socketPath(directory, shims.address, 'ns', id)}`);
  }
  // The standby refuses what it cannot read, and Node then reads the same stdin.
  const refused = await shims.start({ id: '..', input: input('..') });
  t.is(refused.code, 1);
  t.regex(refused.stderr, /-id "\.\." is not a valid identifier/);
});

test.serial('containers of a group share the daemon', async (t) => {
  const shims = starter(t);
  const daemon = await daemonOf(t, shims, { id: 'a', group: 'pod' });
  for (const id of ['b', 'c']) t.is(await daemonOf(t, shims, { id, group: 'pod' }), daemon);
  t.is(await daemonOf(t, shims, { id: 'd', group: 'pod', env: BY_NODE }), daemon);
  await t.notThrowsAsync(shims.standby());
});

test.serial(
  'starts at the same time make one standby, and one daemon for each group',
  async (t) => {
    const shims = starter(t);
    const groups = ['x', 'y', 'x', 'y', 'x', 'y'];
    const starts = groups.map((group, index) => shims.start({ id: `c${String(index)}`, group }));
    const results = await Promise.all(starts);
    t.deepEqual(
      results.map(({ stdout }) => stdout),
      groups.map((group) => `unix://${addressOf(shims, group)}`),
    );
    await t.notThrowsAsync(two(shims));
    await t.notThrowsAsync(shims.standby());
  },
);

test.serial(
  'starts of a group at the same time, with and without a standby, make one daemon',
  async (t) => {
    const shims = starter(t);
    await shims.start({ id: 'first', group: 'other' });
    const starts = [{}, BY_NODE, {}, BY_NODE].map((env, index) =>
      shims.start({ id: `c${String(index)}`, group: 'g', env }),
    );
    for (const { stdout } of await Promise.all(starts)) {
      t.is(stdout, `unix://${addressOf(shims, 'g')}`);
    }
    await t.notThrowsAsync(two(shims));
  },
);

test.serial('a standby killed while it has the request: Node starts the only daemon', async (t) => {
  const shims = starter(t);
  const { daemon, standby } = await warm(t, shims);
  process.kill(standby.pid, 'SIGSTOP');
  const started = shims.start({ id: 'next' });
  await until('the request to be in its hands', () => hasConnection(standby.directory));
  process.kill(standby.pid, 'SIGKILL');
  t.is((await started).code, 0);
  const [next, ...others] = (await shims.daemons()).filter((pid) => pid !== daemon);
  t.false(isForked(next ?? 0));
  t.deepEqual(others, []);
  // Its leftovers do not prevent another one.
  await shims.start({ id: 'later' });
  t.not((await shims.standby()).pid, standby.pid);
});

test.serial('a standby that hangs is ended, and Node starts the daemon', async (t) => {
  const shims = starter(t);
  const { standby } = await warm(t, shims);
  await stop(standby.pid);
  t.is((await shims.start({ id: 'next' })).code, 0);
  await t.notThrowsAsync(two(shims));
  await until('the standby to be gone', () => Promise.resolve(shims.standbys().length === 0));
});

test.serial('a standby whose fork has to wait is not taken for one that hangs', async (t) => {
  const shims = starter(t);
  const { standby } = await warm(t, shims);
  const directory = join(shims.directory, 'sockets');
  mkdirSync(directory, { mode: 0o700 });
  const lock = tryLock(directory) ?? -1;
  const started = shims.start({ id: 'next', input: socketsIn(directory, 'next') });
  await sleep(LONGER_MS);
  closeSync(lock);
  t.is((await started).stdout, `unix://${socketPath(directory, shims.address, 'ns', 'next')}`);
  t.deepEqual(shims.standbys(), [standby]);
});

test.serial(
  'a fork that ends after it has made the socket leaves no daemon, so Node starts one',
  async (t) => {
    const shims = starter(t);
    const { daemon, standby } = await warm(t, shims);
    process.kill(standby.pid, 'SIGKILL');
    const lock = await until('its end', () => Promise.resolve(tryLock(standby.directory)));
    const socket = addressOf(shims, 'next');
    // Made beforehand: the launcher ends a standby that takes two seconds, and here that would be this process.
    const stale = `${socket}.stale`;
    const bind = `import socket; socket.socket(1).bind(${JSON.stringify(stale)})`;
    await run('python3', ['-c', bind]);
    const impostor = createServer((connection) => {
      connection.on('error', () => undefined);
      connection.once('data', () => {
        renameSync(stale, socket);
        connection.destroy();
      });
    });
    const place = join(standby.directory, 'socket');
    await run('rm', ['-f', place]);
    impostor.listen(place);
    t.teardown(() => {
      impostor.close();
      rmSync(stale, { force: true });
      closeSync(lock);
    });
    t.is((await shims.start({ id: 'next' })).stdout, `unix://${socket}`);
    const daemons = (await shims.daemons()).filter((pid) => pid !== daemon);
    t.is(daemons.length, 1);
    t.false(isForked(daemons[0] ?? 0));
    t.true(await isAlive(socket));
  },
);

test.serial('a standby ends after its daemons, and leaves nothing', async (t) => {
  const shims = starter(t, { MVAS_STANDBY_IDLE_MS: '1000' });
  await shims.start({ id: 'one' });
  const { directory } = await shims.standby();
  await shims.start({ id: 'two' });
  const daemons = await shims.daemons();
  t.true(daemons.some(isForked));
  await sleep(3000);
  t.is(shims.standbys().length, 1);
  for (const daemon of daemons) process.kill(daemon, 'SIGKILL');
  await until('the standby to be gone', () => Promise.resolve(shims.standbys().length === 0));
  t.false(existsSync(directory));
});

test.serial('other surroundings have another standby', async (t) => {
  const shims = starter(t);
  await shims.start({ id: 'one' });
  await shims.start({ id: 'two', wrapper: ['prlimit', '--nofile=5000:6000'] });
  await shims.start({ id: 'three', env: { SOMETHING: 'else' } });
  const directories = shims.standbys().map(({ directory }) => directory);
  t.is(new Set(directories).size, 3);
});

test.serial(
  'a standby removes what killed ones have left, and nothing of those that live',
  async (t) => {
    const shims = starter(t);
    const { standby: killed } = await warm(t, shims);
    process.kill(killed.pid, 'SIGKILL');
    await shims.start({ id: 'two', wrapper: ['prlimit', '--nofile=5000:6000'] });
    const living = await shims.standby();
    t.not(living.directory, killed.directory);
    await shims.start({ id: 'three', env: { SOMETHING: 'else' } });
    await until('it to be removed', () => Promise.resolve(!existsSync(killed.directory)));
    t.true(existsSync(join(living.directory, 'socket')));
  },
);

/** What containerd writes to stdin, with another directory for sockets: BootstrapParams. */
function socketsIn(directory: string, id: string): Buffer {
  const text = (field: number, value: string): Buffer =>
    Buffer.concat([Buffer.from([(field << 3) | 2, value.length]), Buffer.from(value)]);
  return Buffer.concat([text(1, id), text(2, 'ns'), text(9, directory)]);
}

/** One daemon and the standby that it came from. */
async function warm(t: ExecutionContext, shims: ShimStarter) {
  const daemon = await daemonOf(t, shims, { id: 'first' });
  return { daemon, standby: await shims.standby() };
}

/** Whether a client is connected to a standby's socket, beyond the listener itself (proc net/unix). */
async function hasConnection(directory: string): Promise<boolean> {
  const lines = (await readFile('/proc/net/unix', 'utf8')).split('\n');
  return lines.filter((line) => line.includes(` ${directory}/`)).length > 1;
}

/** The surroundings of a process, except for what differs between containers. */
async function view(pid: number, id: string) {
  const read = (file: string): string => readFileSync(`/proc/${String(pid)}/${file}`, 'utf8');
  await until('it to serve', () => Promise.resolve(catchesSigchld(read('status'))));
  const link = (file: string): string => readlinkSync(`/proc/${String(pid)}/${file}`);
  const stat = read('stat');
  const [, parent, group, session, terminal, ...rest] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ');
  const namespaces = ['mnt', 'pid', 'net', 'ipc', 'uts', 'user', 'cgroup'];
  const same = /^(Umask|Uid|Gid|Groups|Sig(Blk|Ign)|Cap.*|NoNewPrivs|Seccomp|Cpus_allowed):.*$/gm;
  return {
    environment: wordsOf(pid, 'environ'),
    arguments: wordsOf(pid, 'cmdline')
      .slice(wordsOf(pid, 'cmdline').indexOf('-namespace'))
      .map((word) => (/^[0-9a-f]{64}$/.test(word.slice(-64)) ? 'socket' : word.replace(id, 'ID'))),
    cgroup: read('cgroup'),
    limits: read('limits'),
    oomScore: read('oom_score_adj'),
    status: read('status').match(same),
    namespaces: namespaces.map((name) => link(`ns/${name}`)),
    cwd: link('cwd').replace(id, 'ID'),
    streams: [0, 1, 2].map((fd) => link(`fd/${String(fd)}`)),
    parent,
    isGroupLeader: Number(group) === pid,
    isSessionLeader: Number(session) === pid,
    terminal,
    // proc(5): priority and nice value are fields 18 and 19
    priority: rest.slice(10, 12),
  };
}

/** Whether a process already waits for its children: SIGCHLD is 17. */
function catchesSigchld(status: string): boolean {
  const mask = /^SigCgt:\s*(\w+)$/m.exec(status)?.[1] ?? '0';
  return (BigInt(`0x${mask}`) & (1n << 16n)) !== 0n;
}
