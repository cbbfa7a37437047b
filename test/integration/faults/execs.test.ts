// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { freeze, isFrozen, pidsIn, thaw } from '../../../src/common/cgroup.js';
import { until } from '../../helpers/run.js';
import { runCommand, type CommandResult } from '../../helpers/targets-engine.js';
import { Counter, mvas, Yard } from './harness.js';
import { vasLeftoversInTheEnd } from './leftovers.js';

/** Servers that execs have started, and what becomes of them. */

const yard = new Yard();
const binary = yard.compile('exec_server');
/** Who leads a session: init, and the server. */
const LEADER = /^(\d+) in \1$/;

test.after.always('nothing is left of any VAS', async (t) => {
  t.deepEqual(await vasLeftoversInTheEnd(yard), []);
  yard.close();
});

/** A container, and the server in it. */
class Served {
  readonly container: Counter;

  constructor(t: ExecutionContext, sharesPids = false) {
    t.timeout(120_000);
    this.container = new Counter(yard, { binary, env: ['LANG=C'], sharesPids });
    t.teardown(() => this.container.close(!t.passed));
  }

  static async start(t: ExecutionContext, ...how: readonly string[]): Promise<Served> {
    const served = new Served(t, how.includes('pod'));
    await served.container.start();
    await served.exec(...how.filter((one) => one !== 'pod'));
    return served;
  }

  get #socket(): string {
    return join(this.container.run.place.bundle, 'rootfs/data/socket');
  }

  /** What answers a message; undefined if nothing does. */
  async say(what = 'hello'): Promise<string | undefined> {
    const { status, stdout } = await runCommand([binary, 'say', this.#socket, what]);
    return status === 0 ? stdout.trim() : undefined;
  }

  /** Starts the server as `docker exec -d` does; resolves once it answers. */
  async exec(...how: readonly string[]): Promise<void> {
    const { runcRoot, id } = this.container.run.place;
    const flags = how.filter((one) => one.startsWith('--'));
    const rest = how.filter((one) => !one.startsWith('--'));
    const args = [
      '--root',
      runcRoot,
      'exec',
      '--detach',
      ...flags,
      id,
      '/target',
      'serve',
      ...rest,
    ];
    const child = spawn('runc', args, { stdio: 'ignore' });
    const [status] = (await once(child, 'exit')) as [number | null];
    if (status !== 0) throw new Error(`runc exec: ${String(status)}`);
    await until('the server', async () => (await this.say()) === '1');
  }

  async checkpoint(leaveRunning: boolean, ...options: string[]): Promise<[string, CommandResult]> {
    const image = this.container.newImage();
    const [verb = '', ...rest] = this.container.checkpointArgs(image, leaveRunning);
    return [image, await mvas([verb, ...options, ...rest])];
  }

  async restore(image: string): Promise<void> {
    await this.container.delete();
    await this.container.run.restore(image);
  }

  /** Names and parents of its processes, as it sees them. */
  async processes(): Promise<string[]> {
    const init = await this.container.run.initPid();
    const parentIn = (text: string) => /^PPid:\t(\d+)$/m.exec(text)?.[1];
    const keeper = parentIn(readFileSync(`/proc/${String(init)}/status`, 'utf8'));
    const statuses = pidsIn(await this.container.cgroup()).map((pid) => {
      const text = readFileSync(`/proc/${String(pid)}/status`, 'utf8');
      const [, nsPid = ''] = /^NSpid:.*\t(\d+)$/m.exec(text) ?? [];
      const [, nsSid = ''] = /^NSsid:.*\t(\d+)$/m.exec(text) ?? [];
      const isSibling = parentIn(text) === keeper;
      return `${nsPid} in ${nsSid}${isSibling ? ' from outside' : ''}`;
    });
    return statuses.sort();
  }

  async kill(signal: string): Promise<void> {
    const { runcRoot, id } = this.container.run.place;
    const { status, stderr } = await runCommand(['runc', '--root', runcRoot, 'kill', id, signal]);
    if (status !== 0) throw new Error(stderr);
  }
}

const restored = test.macro(async (t: ExecutionContext, where: string) => {
  const served = await Served.start(t, where);
  const before = (await served.processes()).map((one) => one.replace(' from outside', ''));
  t.is(before.filter((one) => LEADER.test(one)).length, 2, before.join());
  t.is(before.length, 3);
  const restored = before.map((one) => (LEADER.test(one) ? `${one} from outside` : one));
  for (let round = 0; round < 2; round++) {
    const [image, { status, stderr }] = await served.checkpoint(false);
    t.is(status, 0, stderr);
    await served.restore(image);
    t.is(await served.say(), String(round + 2));
    t.deepEqual(await served.processes(), restored);
  }
  t.is(await served.say('end'), 'ended');
  await until('the end of it', async () => (await served.processes()).length < 3);
  await until('the end of its child', async () => (await served.processes()).length < 2);
  t.is(await served.container.run.go(), 'PASS');
});
test.serial('a server that came by exec is restored with its child, and again', restored, '');
test.serial('the same in the shared pid namespace of a pod', restored, 'pod');

test.serial('a child in a session of its own, and a connection to init, come along', async (t) => {
  const served = await Served.start(t, 'session');
  await served.kill('HUP');
  const said = () => served.container.run.said.includes('CONNECTED');
  await until('the connection', () => Promise.resolve(said()));
  const [image, { status, stderr }] = await served.checkpoint(false);
  t.is(status, 0, stderr);
  await served.restore(image);
  t.is(await served.say(), '3');
  t.is(await served.container.run.go(), 'PASS');
  t.is(await served.say(), undefined);
});

test.serial(
  'a paused container is taken with its execs, goes on, and ends with them',
  async (t) => {
    const served = await Served.start(t);
    const cgroup = await served.container.cgroup();
    await freeze(cgroup);
    const [image, { status, stderr }] = await served.checkpoint(true);
    t.is(status, 0, stderr);
    t.true(isFrozen(cgroup));
    thaw(cgroup);
    t.is(await served.say(), '2');
    t.is(await served.container.run.go(), 'PASS');
    t.is(await served.say(), undefined);
    await served.restore(image);
    t.is(await served.say(), '2');
    const pids = pidsIn(await served.container.cgroup());
    await served.kill('KILL');
    const isGone = () => pids.every((pid) => !existsSync(`/proc/${String(pid)}`));
    await until('the end of all', () => Promise.resolve(isGone()));
  },
);

test.serial('streams of an exec lead to /dev/null, and the log says so', async (t) => {
  const served = new Served(t);
  await served.container.start();
  const { runcRoot, id } = served.container.run.place;
  const args = ['--root', runcRoot, 'exec', id, '/target', 'serve'];
  const attached = spawn('runc', args, { stdio: 'pipe' });
  const ended = once(attached, 'exit');
  await until('the server', async () => (await served.say()) === '1');
  const [image, { status, stderr }] = await served.checkpoint(false);
  t.is(status, 0, stderr);
  await ended;
  await served.restore(image);
  t.is(await served.say(), '2');
  const [server = 0] = pidsIn(await served.container.cgroup()).filter((pid) =>
    readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8').includes('serve'),
  );
  const links = [0, 1, 2].map((fd) => readlinkSync(`/proc/${String(server)}/fd/${String(fd)}`));
  t.deepEqual(links, ['/dev/null', '/dev/null', '/dev/null']);
  t.true(served.container.run.said.some((line) => line.includes('streams of execs')));
});

test.serial('what is left out goes on, and is not restored', async (t) => {
  const served = await Served.start(t);
  const [image, { status, stderr }] = await served.checkpoint(true, '--exec', 'drop');
  t.is(status, 0, stderr);
  t.is(await served.say(), '2');
  t.is(await served.container.run.go(), 'PASS');
  await served.restore(image);
  t.deepEqual(await served.processes(), ['1 in 1 from outside']);
  t.is(await served.container.run.go(), 'PASS');
});

test.serial('what is left out must share nothing that the rest would miss', async (t) => {
  const served = await Served.start(t);
  await served.kill('HUP');
  const said = () => served.container.run.said.includes('CONNECTED');
  await until('the connection', () => Promise.resolve(said()));
  const [, { status, stderr }] = await served.checkpoint(true, '--exec', 'drop');
  t.not(status, 0);
  t.regex(stderr, /pid 1 \(target\) fd \d+: .*outside the container/);
  t.is(await served.container.run.go(), 'PASS');
});

test.serial('execs are refused on request', async (t) => {
  const served = await Served.start(t);
  const [, { status, stderr }] = await served.checkpoint(
    true,
    '--exec',
    'refuse',
    '--retry-ms',
    '0',
  );
  t.not(status, 0);
  t.regex(stderr, /pid \d+ \(target\): started from outside of the container/);
  t.is(await served.say(), '2');
});

test.serial(
  'an exec that cannot be kept is waited for, then refused with its reason',
  async (t) => {
    const served = await Served.start(t, 'packets');
    const [, refused] = await served.checkpoint(true, '--retry-ms', '100');
    t.not(refused.status, 0);
    t.regex(refused.stderr, /packet mode.*pid \d+ \(target\) came by exec and can be left out/);
    const work = served.checkpoint(true, '--retry-ms', '60000');
    t.is(await served.say('end'), 'ended');
    const [, { status, stderr }] = await work;
    t.is(status, 0, stderr);
  },
);

test.serial('an exec that may do more than the container is refused by its name', async (t) => {
  const served = await Served.start(t, '--cap=CAP_SYS_PTRACE');
  const [, { status, stderr }] = await served.checkpoint(true, '--retry-ms', '0');
  t.not(status, 0);
  t.regex(stderr, /pid \d+ \(target\).*capabilities.*came by exec and can be left out/);
  const [, left] = await served.checkpoint(true, '--exec', 'drop');
  t.is(left.status, 0, left.stderr);
  t.is(await served.say(), '2');
});

test.serial('the terminal of an exec is not taken for that of the container', async (t) => {
  const served = new Served(t);
  await served.container.start();
  const { runcRoot, id } = served.container.run.place;
  const exec = `exec runc --root ${runcRoot} exec --tty ${id} /target serve`;
  const attached = spawn('script', ['-qc', exec, '/dev/null'], { stdio: 'ignore' });
  const ended = once(attached, 'exit');
  await until('the server', async () => (await served.say()) === '1');
  const [, { status, stderr }] = await served.checkpoint(true, '--retry-ms', '0');
  t.not(status, 0);
  t.regex(stderr, /terminal \/dev\/pts\/0 is neither the console nor.*came by exec/);
  t.is(await served.say('end'), 'ended');
  await ended;
});
