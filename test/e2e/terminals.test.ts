// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createContainer, RUNTIME, runContainer } from '../helpers/containers.js';
import { tryRun, type RunResult } from '../helpers/run.js';
import type { TasksClient } from '../helpers/tasks-client.js';
import { COUNTER } from '../helpers/workloads/counter.js';
import {
  containerId,
  daemon,
  IS_RUNC,
  leavesNothingBehind,
  remove,
  useContainerd,
} from './context.js';
import { openTasks, Streams } from './streams.js';

useContainerd([COUNTER.archive]);

const SHELL = ['/bin/sh', '-i'];
const SIGKILL = 9;

/** Runs `ctr` on a terminal of 33 lines and 101 columns, typing what is given. */
function ctrOnTerminal(args: readonly string[], typed = ''): Promise<RunResult> {
  const { address, namespace } = daemon();
  const ctr = ['ctr', '--address', address, '--namespace', namespace, ...args];
  const command = ctr.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
  const options = { input: typed, env: { ...process.env, SHELL: '/bin/sh' } };
  const script = ['--quiet', '--return', '--command', `stty rows 33 cols 101; ${command}`];
  return tryRun('script', [...script, '/dev/null'], options);
}

/** A shell on a terminal, and the client's end of it. */
async function shell(
  t: ExecutionContext,
  name: string,
): Promise<{ id: string; tasks: TasksClient; streams: Streams }> {
  const tasks = await openTasks(t);
  const id = containerId(t, name);
  await createContainer(daemon(), { id, image: COUNTER.image, args: SHELL, flags: ['--tty'] });
  const streams = await Streams.open(t, id);
  const { stdin, stdout } = streams.stdio;
  await tasks.begin(id, { stdin, stdout, terminal: true });
  await streams.match('stdout', /# /);
  return { id, tasks, streams };
}

test.serial('ctr run --tty gives a terminal of the size of its own', async (t) => {
  const { snapshotter } = daemon();
  const flags = ['--rm', '--tty', '--snapshotter', snapshotter, '--runtime', RUNTIME];
  const id = containerId(t, 'run');
  const program =
    'until stty size | grep 33; do sleep 0.1; done; tty; echo "to stderr" >&2; exit 6';
  const result = await ctrOnTerminal(['run', ...flags, COUNTER.image, id, 'sh', '-c', program]);
  t.regex(result.stdout, /33 101\r+\n\/dev\/(console|pts\/0)\r+\nto stderr\r+\n/);
  t.is(result.code, 6);
});

test.serial('ctr tasks exec --tty gives another terminal', async (t) => {
  const id = containerId(t, 'exec');
  await runContainer(daemon(), { id, image: COUNTER.image });
  const program = 'tty; read line; echo "got $line"; exit 4';
  const flags = ['--exec-id', 'one', '--tty'];
  const args = ['tasks', 'exec', ...flags, id, 'sh', '-c', program];
  const result = await ctrOnTerminal(args, 'typed line\n');
  t.regex(result.stdout, /\/dev\/pts\/0\r+\n[^]*got typed line\r+\n/);
  t.is(result.code, 4);
});

test.serial('a terminal echoes, is resized, and tells its foreground job', async (t) => {
  const { id, tasks, streams } = await shell(t, 'resize');
  await streams.write('echo $((6 * 7))\n');
  await streams.match('stdout', /echo \$\(\(6 \* 7\)\)\r\n42\r\n/);
  const job = `trap "stty size" WINCH; echo $((6 * 7)); while :; do sleep 0.1; done`;
  await streams.write(`sh -c '${job}'\n`);
  await streams.match('stdout', /\r\n42\r\n/);
  await tasks.resize(id, 120, 45);
  await streams.match('stdout', /45 120\r\n/);
  await streams.write('\x03');
  await streams.match('stdout', /\^C/);
  await streams.write('echo again\n');
  await streams.match('stdout', /again\r\n.*# /s);
  await remove(t, id);
});

test.serial('a shell ends at ^D, and its last words arrive before its deletion ends', async (t) => {
  const { id, tasks, streams } = await shell(t, 'end');
  await streams.write("trap 'seq 1 20000; echo last words' EXIT\n");
  await streams.match('stdout', /# /);
  const ended = tasks.wait(id);
  await streams.write('\x04');
  await streams.match('stdout', /20000\r\nlast words\r\n/);
  t.is(await ended, 0);
  t.is(await tasks.delete(id), 0);
});

test.serial('a task with a terminal is killed like any other', async (t) => {
  const { id, tasks } = await shell(t, 'kill');
  const ended = tasks.wait(id);
  await tasks.kill(id, SIGKILL);
  t.is(await ended, 137);
  t.is(await tasks.delete(id), 137);
});

test.serial('a client that goes and comes back finds the terminal as it was', async (t) => {
  const { id, streams } = await shell(t, 'back');
  await streams.write('sleep 1; echo "said to nobody"\n');
  await streams.close();
  await streams.reopen();
  await streams.match('stdout', /\r\nsaid to nobody\r\n/);
  await streams.write('echo $((2 + 3))\n');
  await streams.match('stdout', /\r\n5\r\n/);
  await remove(t, id);
});

test.serial('a process on a terminal beside the container has a size of its own', async (t) => {
  const id = containerId(t, 'beside');
  await runContainer(daemon(), { id, image: COUNTER.image });
  const tasks = await openTasks(t);
  const streams = await Streams.open(t, id);
  const { stdin, stdout } = streams.stdio;
  await tasks.exec(id, { execId: 'sh', args: SHELL, stdin, stdout, terminal: true });
  await streams.match('stdout', /# /);
  await tasks.resize(id, 77, 22, 'sh');
  await streams.write('stty size; exit 3\n');
  await streams.match('stdout', /\r\n22 77\r\n/);
  t.is(await tasks.wait(id, 'sh'), 3);
  t.is(await tasks.deleteExec(id, 'sh'), 3);
});

// containerd's own shim of 1.6 copies terminals only to FIFOs and loggers.
const ours = IS_RUNC ? test.serial.skip : test.serial;

ours('the output of a terminal may go to a file', async (t) => {
  const id = containerId(t, 'file');
  const args = ['/bin/tty'];
  await createContainer(daemon(), { id, image: COUNTER.image, args, flags: ['--tty'] });
  const tasks = await openTasks(t);
  const log = join(daemon().directory, 'terminal', 'log');
  await tasks.begin(id, { stdout: `file://${log}`, terminal: true });
  await tasks.wait(id);
  t.is(await tasks.delete(id), 0);
  const { stdout } = await tryRun('cat', [log]);
  t.regex(stdout, /^\/dev\/(console|pts\/0)\r\n$/);
});

leavesNothingBehind();
