// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { BIN } from '../../helpers/paths.js';
import { run, until } from '../../helpers/run.js';
import { runCommand } from '../../helpers/targets-engine.js';
import { Counter, COUNTER_STATUS, listed, mvas, Yard } from './harness.js';
import { childrenOf, containerCgroups, list, parentOf, vasLeftoversInTheEnd } from './leftovers.js';

/** `mvas restore` that waits for its container, as `runc restore` does, and what signals do to it. */
const GONE_TIMEOUT_MS = 10_000;

const yard = new Yard();

test.after.always('nothing is left of any VAS', async (t) => {
  t.deepEqual(await vasLeftoversInTheEnd(yard), []);
  yard.close();
});

test.serial(
  'signals go to the init, and the container is deleted when it has exited',
  async (t) => {
    const { counter, imagePath } = await checkpointed(t);
    const pidFile = join(counter.run.folder, 'init.pid');
    const { child, exit } = start(t, counter, [...args(counter, imagePath), '--pid-file', pidFile]);
    await until('the container to run', () => Promise.resolve(existsSync(pidFile)));
    t.is(readFileSync(pidFile, 'utf8'), String(await counter.run.initPid()));
    await counter.countsOn();
    child.kill('SIGTERM');
    t.deepEqual(await exit, [COUNTER_STATUS, null]);
    t.deepEqual(await containersOf(counter), []);
  },
);

test.serial('a signal that the init ignores does not end the wait', async (t) => {
  const { counter, imagePath } = await checkpointed(t);
  const { child, exit } = start(t, counter, args(counter, imagePath));
  await until('the container to run', async () => (await counter.run.initPid()) > 0);
  await counter.countsOn();
  // The init of a pid namespace ignores what it has no handler for.
  for (const name of ['SIGINT', 'SIGHUP', 'SIGQUIT'] as const) child.kill(name);
  await counter.countsOn(20n);
  t.is(child.exitCode, null);
  await runCommand(['runc', '--root', counter.run.place.runcRoot, 'kill', counter.id, 'KILL']);
  t.deepEqual(await exit, [137, null]);
});

for (const isDetached of [false, true]) {
  const how = isDetached ? 'detached' : 'in the foreground';
  test.serial(`a signal before the container runs leaves nothing, ${how}`, async (t) => {
    const { counter, imagePath, holder } = await checkpointed(t);
    const pidFile = join(counter.run.folder, 'init.pid');
    const flags = ['--pid-file', pidFile, ...(isDetached ? ['--detach'] : [])];
    const path = interruptingRunc(counter, await run('sh', ['-c', 'command -v runc']));
    const { exit, stderr } = start(t, counter, [...args(counter, imagePath), ...flags], path);
    t.deepEqual(await exit, [1, null]);
    t.regex(stderr(), /restore counter-\S+: canceled/);
    t.deepEqual(await containersOf(counter), [], 'runc knows no donor');
    t.deepEqual(await traces(counter, holder), []);
    t.deepEqual(
      list(counter.run.folder).filter((name) => name.includes('init.pid')),
      [],
    );
    await counter.run.restore(imagePath);
    t.is(await counter.run.go(), 'PASS');
  });
}

test.serial('a pid file that cannot be written is told before anything runs', async (t) => {
  const { counter, imagePath, holder } = await checkpointed(t);
  const count = counter.count();
  for (const pidFile of ['/no/such/directory/pid', counter.run.folder]) {
    const result = await mvas([...counter.restoreArgs(imagePath), '--pid-file', pidFile]);
    t.is(result.status, 1);
    t.regex(result.stderr, /write the pid file \/\S+: (ENOENT|EISDIR)/);
    t.deepEqual(await traces(counter, holder), []);
  }
  t.is(counter.count(), count);
  const full = await mvas([...counter.restoreArgs(imagePath), '--pid-file', '/dev/full']);
  t.deepEqual([full.status, full.stderr.includes('ENOSPC')], [1, true]);
  t.deepEqual(await traces(counter, holder), [], 'nor is anything left where it shows later');
});

test.serial('a container that is there already stays as it is', async (t) => {
  const counter = await started(t);
  const imagePath = counter.newImage();
  t.is((await mvas(counter.checkpointArgs(imagePath))).status, 0);
  const { status, stderr } = await mvas(counter.restoreArgs(imagePath));
  t.is(status, 1);
  t.regex(stderr, /runc has a container of this name; remedy: /);
  await counter.countsOn();
  t.is(await counter.run.go(), 'PASS');
});

async function started(t: ExecutionContext): Promise<Counter> {
  t.timeout(120_000);
  const counter = new Counter(yard);
  t.teardown(() => counter.close(!t.passed));
  await counter.start();
  return counter;
}

async function checkpointed(t: ExecutionContext) {
  const counter = await started(t);
  const imagePath = counter.newImage();
  const { status, stderr } = await mvas(counter.checkpointArgs(imagePath, false));
  t.is(status, 0, stderr);
  await counter.delete();
  return { counter, imagePath, holder: (await listed())[0]?.holderPid ?? 0 };
}

function args(counter: Counter, imagePath: string): string[] {
  return counter.restoreArgs(imagePath, false);
}

function start(t: ExecutionContext, counter: Counter, line: readonly string[], path?: string) {
  const env = { ...process.env, ...(path === undefined ? {} : { PATH: path }) };
  const child = spawn(`${BIN}/mvas`, line, { stdio: ['ignore', 'ignore', 'pipe'], env });
  t.teardown(() => child.kill('SIGKILL'));
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  // Not `exit`, which may come before the last of what it said.
  return { child, exit: once(child, 'close'), stderr: () => stderr };
}

/** A PATH whose runc, when told to create a container, interrupts its caller, and then creates it. */
function interruptingRunc(counter: Counter, runc: string): string {
  const folder = join(counter.run.folder, 'bin');
  mkdirSync(folder);
  const script = `#!/bin/sh
case " $* " in *" create "*) kill -INT "$PPID";; esac
exec ${runc.trim()} "$@"
`;
  writeFileSync(join(folder, 'runc'), script);
  chmodSync(join(folder, 'runc'), 0o755);
  return `${folder}:${process.env['PATH'] ?? ''}`;
}

/** Names of the containers that runc knows. */
async function containersOf(counter: Counter): Promise<string[]> {
  const { stdout } = await runCommand(['runc', '--root', counter.run.place.runcRoot, 'list', '-q']);
  return stdout.split('\n').filter(Boolean);
}

/** What a restore left: processes, a state of runc, cgroups, a donor. */
async function traces(counter: Counter, holder: number): Promise<string[]> {
  const find = (): string[] => [
    ...childrenOf(parentOf(holder))
      .filter((pid) => pid !== holder)
      .map((pid) => `pid ${String(pid)}`),
    ...[join(counter.run.place.runcRoot, counter.id)].filter((path) => existsSync(path)),
    ...containerCgroups(counter.id),
    ...list(counter.run.place.bundle).filter((name) => name.startsWith('.mvas')),
  ];
  const end = performance.now() + GONE_TIMEOUT_MS;
  while (find().length > 0 && performance.now() < end) await delay(5);
  return find();
}
