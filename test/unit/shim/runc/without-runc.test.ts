// SPDX-License-Identifier: Apache-2.0
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Runc } from '../../../../src/shim/runc/runc.js';

interface Given {
  readonly state?: object;
  readonly config?: object;
  readonly binary?: string;
  readonly systemdCgroup?: boolean;
  /** What the runtime does besides noting its verb. */
  readonly script?: string;
}

/** A container of which runc knows that its init has ended, with cgroups, and a runtime that notes what it is called for. */
function containerOf(t: ExecutionContext, given: Given = {}) {
  const { binary: name = 'runc', systemdCgroup = false, script = '' } = given;
  const directory = mkdtempSync(join(tmpdir(), 'mvas-runc-'));
  t.teardown(() => {
    // A runtime that was killed may have left a program that still writes.
    rmSync(directory, { recursive: true, maxRetries: 20 });
  });
  const [binary, calls] = [join(directory, name), join(directory, 'calls')];
  const state = join(directory, 'state', 'one');
  const fifo = join(state, 'exec.fifo');
  const note = `echo "$*" | sed -E "s,.* (start|delete) .*,\\1," >> ${calls}`;
  writeFileSync(binary, `#!/bin/sh\n${note}\nfifo=${fifo}\n${script}\n`, { mode: 0o755 });
  const cgroups = ['a', 'b'].map((one) => join(directory, one));
  for (const path of [state, ...cgroups]) mkdirSync(path, { recursive: true });
  const record = {
    init_process_pid: spawnSync('true').pid,
    init_process_start: 17,
    config: { Hooks: { poststart: null, poststop: [] }, ...given.config },
    cgroup_paths: { one: cgroups[0], two: cgroups[1], both: cgroups[0] },
    intel_rdt_path: '',
    ...given.state,
  };
  writeFileSync(join(state, 'state.json'), JSON.stringify(record));
  const settings = { binary, root: join(directory, 'state'), systemdCgroup };
  return {
    runc: new Runc(settings, join(directory, 'log')),
    ...{ state, fifo, cgroups },
    calls: () => (existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n') : []),
  };
}

/** A record of this process as a container's init. */
function livingInit(): object {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  const start = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  return { init_process_pid: process.pid, init_process_start: Number(start) };
}

const HOOK = [{ path: '/bin/true' }];
const hooks = (kind: string): Given => ({ config: { Hooks: { [kind]: HOOK } } });

test('what is left of an ordinary container is removed without a runc', async (t) => {
  const { runc, state, cgroups, calls } = containerOf(t);
  rmSync(cgroups[1] ?? '', { recursive: true }); // Somebody else was quicker.
  await runc.delete('one');
  t.deepEqual(calls(), []);
  t.false([state, ...cgroups].some((path) => existsSync(path)));
});

for (const [what, given] of Object.entries<Given>({
  'has hooks for its end': hooks('poststop'),
  'has network devices to give back': { config: { netDevices: { eth1: {} } } },
  'has a group of resctrl': { state: { intel_rdt_path: '/sys/fs/resctrl/one' } },
  'has a record of another form': { state: { cgroup_paths: undefined } },
  'has cgroups of systemd': { systemdCgroup: true },
  'is of another runtime': { binary: 'crun' },
})) {
  test(`a container that ${what} is deleted by its runtime`, async (t) => {
    const { runc, state, cgroups, calls } = containerOf(t, given);
    await runc.delete('one');
    t.deepEqual(calls(), ['delete']);
    t.true([state, ...cgroups].every((path) => existsSync(path)));
  });
}

test('a container with a cgroup that is in use is deleted by runc', async (t) => {
  const { runc, state, cgroups, calls } = containerOf(t);
  writeFileSync(join(cgroups[1] ?? '', 'in-use'), '');
  await runc.delete('one');
  t.deepEqual(calls(), ['delete']);
  t.true(existsSync(state));
});

test('an init that waits at its FIFO is started without a runc', async (t) => {
  const { runc, fifo, calls } = containerOf(t, { state: livingInit() });
  execFileSync('mkfifo', [fifo]);
  const init = spawn('sh', ['-c', `printf 0 > ${fifo}`], { stdio: 'ignore' });
  const ended = once(init, 'exit');
  await runc.start('one');
  t.deepEqual(await ended, [0, null]);
  t.deepEqual(calls(), []);
  t.false(existsSync(fifo));
});

for (const [what, given] of Object.entries<Given>({
  'has hooks for its start': hooks('poststart'),
  'has a record of another form': { state: { config: null } },
  'is of another runtime': { binary: 'crun' },
})) {
  test(`a container that ${what} is started by its runtime`, async (t) => {
    const state = { ...livingInit(), ...given.state };
    const script = 'cat "$fifo" > /dev/null';
    const { runc, fifo, calls } = containerOf(t, { ...given, state, script });
    execFileSync('mkfifo', [fifo]);
    const init = spawn('sh', ['-c', `printf 0 > ${fifo}`], { stdio: 'ignore' });
    const ended = once(init, 'exit');
    await runc.start('one');
    t.deepEqual(await ended, [0, null]);
    t.deepEqual(calls(), ['start']);
    t.true(existsSync(fifo));
  });
}

test('one that runs already, for all that runc knows, is left to runc', async (t) => {
  const { runc, calls } = containerOf(t);
  await runc.start('one');
  t.deepEqual(calls(), ['start']);
});

test('an init that is slow is waited for', async (t) => {
  const { runc, fifo, calls } = containerOf(t, { state: livingInit() });
  execFileSync('mkfifo', [fifo]);
  const init = spawn('sh', ['-c', `sleep 0.3; printf 0 > ${fifo}`], { stdio: 'ignore' });
  const ended = once(init, 'exit');
  await runc.start('one');
  t.deepEqual(calls(), []);
  t.deepEqual(await ended, [0, null]);
});

test('an init has been started once it executes its program, after hooks of its own', async (t) => {
  const { runc, fifo, calls } = containerOf(t, { state: livingInit() });
  execFileSync('mkfifo', [fifo]);
  const done = `${fifo}.done`;
  const hooks = `exec 3> ${fifo}; printf 0 >&3; sleep 0.3; touch ${done}; exec 3>&-`;
  const init = spawn('sh', ['-c', hooks], { stdio: 'ignore' });
  const ended = once(init, 'exit');
  await runc.start('one');
  t.true(existsSync(done));
  t.deepEqual(calls(), []);
  t.deepEqual(await ended, [0, null]);
});

test('an init that writes and ends while it is looked at has been started', async (t) => {
  const { runc, fifo, state, calls } = containerOf(t);
  execFileSync('mkfifo', [fifo]);
  const record = join(state, 'state.json');
  renameSync(record, `${record}.text`);
  execFileSync('mkfifo', [record]);
  // The first reader is told at once; the second one, whether init has ended, after that has written its byte.
  // The pause lets a reader come to the end of the text before the next one is written.
  const tell = `cat ${record}.text > ${record}; sleep 3`;
  const script = `${tell}; printf 0 > ${fifo}; ${tell}; ${tell}`;
  const init = spawn('sh', ['-c', script], { stdio: 'ignore', detached: true });
  t.teardown(() => process.kill(-(init.pid ?? 0), 'SIGKILL'));
  await runc.start('one');
  t.deepEqual(calls(), []);
});

test('of an init that has ended at its FIFO runc tells', async (t) => {
  const { runc, fifo, calls } = containerOf(t, { script: 'exit 1' });
  execFileSync('mkfifo', [fifo]);
  await t.throwsAsync(runc.start('one'), { message: /start/ });
  t.deepEqual(calls(), ['start']);
});

test('the wait for an init that never goes on ends with the container', async (t) => {
  const { runc, fifo } = containerOf(t, { state: livingInit() });
  execFileSync('mkfifo', [fifo]);
  const failed = t.throwsAsync(runc.start('one'), { message: /it did not end in time/ });
  setTimeout(() => {
    runc.abort();
  }, 50);
  await failed;
});
