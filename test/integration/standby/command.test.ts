// SPDX-License-Identifier: Apache-2.0
import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { BIN, REPOSITORY } from '../../helpers/paths.js';
import { run, until } from '../../helpers/run.js';
import { stop, wordsOf } from '../../helpers/standbys.js';

const MVAS = join(BIN, 'mvas');
/** More than a socket takes at once. */
const VASES = 2000;
/** Waits for a reader of its output. */
const LONG = ['ls', '--json'];

interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

test.before('bundle what was compiled', async () => {
  await run('bash', [join(REPOSITORY, 'scripts/bundle.sh')]);
});

/** The command in surroundings of its own: no other test shares its standby. */
class Commands {
  readonly directory = mkdtempSync(join(tmpdir(), 'mvas-command-'));
  readonly #mark = `LC_MVAS_TEST=${this.directory}`;
  readonly #env: NodeJS.ProcessEnv;

  constructor(t: ExecutionContext, env: NodeJS.ProcessEnv = {}) {
    const [name = '', value] = this.#mark.split('=');
    this.#env = {
      ...process.env,
      MVAS_ROOT: 'root',
      MVAS_STANDBY_WARM_UP: '0',
      [name]: value,
      ...env,
    };
    const root = join(this.directory, 'root');
    for (let id = 0; id < VASES; id++) {
      mkdirSync(join(root, String(id).padStart(32, '0')), { recursive: true });
    }
    t.teardown(() => {
      for (const pid of this.standbys()) kill(pid);
      rmSync(this.directory, { recursive: true, maxRetries: 5 });
    });
  }

  spawn(words: readonly string[], env: NodeJS.ProcessEnv = {}, stdio?: StdioOptions): ChildProcess {
    const [command = '', ...rest] = words;
    return spawn(command, rest, {
      cwd: this.directory,
      env: { ...this.#env, ...env },
      stdio: stdio ?? ['ignore', 'pipe', 'pipe'],
    });
  }

  async run(words: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ending> {
    return await endOf(this.spawn(words, env));
  }

  /** Starts a command that does not end before its output is read; tells which process executes it. */
  async hold(words: readonly string[] = [MVAS, ...LONG], env: NodeJS.ProcessEnv = {}) {
    const child = this.spawn(words, env);
    await once(child.stdout ?? child, 'readable');
    const pid = child.pid ?? 0;
    const isServed = basename(readlinkSync(`/proc/${String(pid)}/exe`)) === 'mvas';
    return { child, pid, isServed };
  }

  /** The forks that execute a command. */
  forks(): number[] {
    return processes().filter(
      (pid) =>
        this.#isIn(pid) &&
        wordsOf(pid, 'cmdline').slice(1).join(' ') === LONG.join(' ') &&
        basename(exeOf(pid)) === 'node',
    );
  }

  standbys(): number[] {
    return processes().filter(
      (pid) => this.#isIn(pid) && wordsOf(pid, 'cmdline')[1] === '-standby',
    );
  }

  /** A standby, left by a command that runs the engine, even though the command fails. */
  async warm(): Promise<number> {
    await this.run([MVAS, 'restore', '--image-path', 'none', 'nobody']);
    return await this.standby();
  }

  /** The standby, as soon as it can be called. */
  async standby(): Promise<number> {
    return await until('a standby', async () => {
      const [pid] = this.standbys();
      const directory = pid === undefined ? '' : (wordsOf(pid, 'cmdline')[2] ?? '');
      return Promise.resolve(existsSync(join(directory, 'socket')) && pid);
    });
  }

  #isIn(pid: number): boolean {
    return wordsOf(pid, 'environ').includes(this.#mark);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}

const processes = (): number[] =>
  readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));

function exeOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${String(pid)}/exe`);
  } catch {
    return '';
  }
}

async function endOf(child: ChildProcess): Promise<Ending> {
  const output = { stdout: '', stderr: '' };
  child.stdout?.on('data', (data: Buffer) => (output.stdout += data.toString()));
  child.stderr?.on('data', (data: Buffer) => (output.stderr += data.toString()));
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, ...output };
}

/** State of a process as in its status file (proc(5)); empty for one that has ended. */
function stateOf(pid: number): string {
  try {
    const status = readFileSync(`/proc/${String(pid)}/status`, 'utf8');
    return /^State:\t(\w)/m.exec(status)?.[1] ?? '';
  } catch {
    return '';
  }
}

test.serial(
  'a command that runs the engine leaves a standby, which does the next one',
  async (t) => {
    const commands = new Commands(t);
    const before = await commands.hold();
    t.false(before.isServed);
    before.child.kill('SIGKILL');
    t.deepEqual(commands.standbys(), []);
    const standby = await commands.warm();
    const { child, isServed } = await commands.hold();
    t.true(isServed);
    const { code, stdout } = await endOf(child);
    t.is(code, 0);
    t.is((JSON.parse(stdout) as unknown[]).length, VASES);
    t.deepEqual(commands.standbys(), [standby]);
  },
);

for (const verb of ['snapshot', 'fork', 'rollback']) {
  test.serial(`mvas ${verb} leaves a standby, which does the same`, async (t) => {
    const commands = new Commands(t);
    const line = [MVAS, verb, '--address', join(commands.directory, 'nothing'), 'nobody'];
    const first = await commands.run(line);
    t.regex(first.stderr, /does not answer/);
    await commands.standby();
    const { child, isServed } = await commands.hold();
    t.true(isServed);
    t.is((await endOf(child)).code, 0);
    t.deepEqual(await commands.run(line), first);
  });
}

test.serial('output and exit code are the same by a standby and by Node', async (t) => {
  const commands = new Commands(t);
  await commands.warm();
  const lines = [
    ['--version'],
    ['ls', '-q'],
    ['frob'],
    ['man'],
    ['inspect', 'xx'],
    ['inspect', '', 'a b\n', 'é'],
    ['restore', '--image-path', 'none', 'nobody'],
    ['checkpoint', 'no body'],
  ];
  for (const line of lines) {
    const served = await commands.run([MVAS, ...line]);
    t.deepEqual(served, await commands.run([MVAS, ...line], { MVAS_STANDBY: '0' }), line.join());
  }
});

test.serial('on a terminal, and into a file', async (t) => {
  const commands = new Commands(t);
  await commands.warm();
  const lines = [
    `script -qec '${MVAS} ls -q' /dev/null | tail -n 1`,
    `${MVAS} ls -q >out; ${MVAS} frob >>out 2>&1; tail -n 3 out`,
    `${MVAS} ls >/dev/full; echo $?`,
    `umask 077; ${MVAS} ls -q | wc -l`,
  ];
  for (const line of lines) {
    const served = await commands.run(['bash', '-c', line]);
    t.deepEqual(served, await commands.run(['bash', '-c', line], { MVAS_STANDBY: '0' }), line);
  }
});

test.serial(
  'a command that a shell executes is served, in whatever order it passes variables',
  async (t) => {
    const commands = new Commands(t, { LC_Z: '1', LC_A: '2', LC_M: '3' });
    await commands.warm();
    const { child, isServed } = await commands.hold([
      'bash',
      '-c',
      `exec ${MVAS} ${LONG.join(' ')}`,
    ]);
    t.true(isServed);
    t.is((await endOf(child)).code, 0);
  },
);

test.serial('a pipe is blocking afterwards, as it was before', async (t) => {
  const commands = new Commands(t);
  await commands.warm();
  const line = `{ ${MVAS} --version; cat /proc/$BASHPID/fdinfo/1 >&2; } | cat`;
  const { stderr } = await commands.run(['bash', '-c', line]);
  t.regex(stderr, /^flags:\t01$/m);
});

test.serial('who kills the command ends what it does', async (t) => {
  const commands = new Commands(t);
  await commands.warm();
  for (const signal of ['SIGKILL', 'SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'] as const) {
    const { child, isServed } = await commands.hold();
    t.true(isServed);
    t.is(commands.forks().length, 1);
    const ending = once(child, 'exit');
    child.kill(signal);
    t.deepEqual(await ending, [null, signal]);
    await until(`the fork to be gone: ${signal}`, () =>
      Promise.resolve(commands.forks().length === 0),
    );
  }
});

test.serial('a fork that is killed ends the command in the same way', async (t) => {
  const commands = new Commands(t);
  await commands.warm();
  const { child } = await commands.hold();
  const ending = once(child, 'exit');
  for (const pid of commands.forks()) process.kill(pid, 'SIGKILL');
  t.deepEqual(await ending, [null, 'SIGKILL']);
});

test.serial('job control stops and continues both', async (t) => {
  const commands = new Commands(t);
  await commands.warm();
  const { child, pid } = await commands.hold();
  const both = [pid, ...commands.forks()];
  const inState = (wanted: boolean) => () =>
    Promise.resolve(both.every((each) => (stateOf(each) === 'T') === wanted));
  child.kill('SIGTSTP');
  await until('both to stop', inState(true));
  child.kill('SIGCONT');
  await until('both to go on', inState(false));
  t.is((await endOf(child)).code, 0);
});

test.serial('a command is left to Node where a fork would not be the same', async (t) => {
  const commands = new Commands(t);
  const standby = await commands.warm();
  const others: readonly (readonly [string, readonly string[], NodeJS.ProcessEnv?])[] = [
    ['wished', [MVAS, ...LONG], { MVAS_STANDBY: '0' }],
    ['options of Node', [MVAS, ...LONG], { NODE_OPTIONS: '--no-deprecation' }],
    ['another network', ['unshare', '--net', MVAS, ...LONG]],
    ['other mounts', ['unshare', '--mount', MVAS, ...LONG]],
    ['other limits', ['prlimit', '--nofile=512:512', MVAS, ...LONG]],
    ['another umask', ['bash', '-c', `umask 027; exec ${MVAS} ${LONG.join(' ')}`]],
    ['fewer capabilities', ['setpriv', '--bounding-set=-chown', MVAS, ...LONG]],
    ['another priority', ['nice', '-n', '3', MVAS, ...LONG]],
    ['no stdin', ['bash', '-c', `exec ${MVAS} ${LONG.join(' ')} <&-`]],
    ['another locale', [MVAS, ...LONG], { LC_ALL: 'C' }],
  ];
  for (const [why, words, env] of others) {
    const { child, isServed } = await commands.hold(words, env);
    t.false(isServed, why);
    t.is((await endOf(child)).code, 0, why);
  }
  t.deepEqual(commands.standbys(), [standby]);
});

test.serial('descriptors other than the streams are read by Node', async (t) => {
  const commands = new Commands(t);
  await commands.warm();
  const child = commands.spawn(
    [MVAS, 'restore', '--image-path', '/proc/self/fd/3/none', 'nobody'],
    {},
    ['ignore', 'pipe', 'pipe', openSync(commands.directory, 'r')],
  );
  t.regex((await endOf(child)).stderr, /none/);
});

test.serial('no standby is left in foreign namespaces', async (t) => {
  const commands = new Commands(t);
  const restore = [MVAS, 'restore', '--image-path', 'none', 'nobody'];
  await commands.run(['unshare', '--net', ...restore]);
  await commands.run(['unshare', '--mount', ...restore]);
  await commands.run(restore, { MVAS_STANDBY: '0' });
  await commands.warm();
  t.is(commands.standbys().length, 1);
});

test.serial('another build has another standby', async (t) => {
  const commands = new Commands(t);
  await commands.warm();
  const build = join(commands.directory, 'build');
  mkdirSync(join(build, 'bin'), { recursive: true });
  for (const part of ['dist', 'native', 'package.json']) {
    symlinkSync(join(REPOSITORY, part), join(build, part));
  }
  const other = join(build, 'bin/mvas');
  copyFileSync(MVAS, other);
  const { child, isServed } = await commands.hold([other, ...LONG]);
  t.false(isServed);
  child.kill('SIGKILL');
});

test.serial('a standby that hangs is ended, and Node does the command', async (t) => {
  const commands = new Commands(t);
  const standby = await commands.warm();
  await stop(standby);
  const { code, stdout } = await commands.run([MVAS, ...LONG]);
  t.is(code, 0);
  t.is((JSON.parse(stdout) as unknown[]).length, VASES);
  await until('the standby to be gone', () => Promise.resolve(commands.standbys().length === 0));
});

test.serial(
  'a standby that is killed while it has the request: Node does the command',
  async (t) => {
    const commands = new Commands(t);
    const standby = await commands.warm();
    process.kill(standby, 'SIGSTOP');
    const child = commands.spawn([MVAS, ...LONG]);
    const ending = endOf(child);
    await until('the command to wait', () =>
      Promise.resolve(readFileSync(`/proc/${String(child.pid)}/wchan`, 'utf8').includes('unix')),
    );
    process.kill(standby, 'SIGKILL');
    t.is((await ending).code, 0);
  },
);

test.serial('a standby ends by itself, and commands meanwhile do not notice', async (t) => {
  const commands = new Commands(t, { MVAS_STANDBY_IDLE_MS: '20' });
  const restore = [MVAS, 'restore', '--image-path', 'none', 'nobody'];
  const expected = await commands.run(restore, { MVAS_STANDBY: '0' });
  for (let round = 0; round < 10; round++) {
    for (const ending of await Promise.all([1, 2, 3].map(() => commands.run(restore)))) {
      t.deepEqual(ending, expected);
    }
  }
  await until('the standby to be gone', () => Promise.resolve(commands.standbys().length === 0));
});
