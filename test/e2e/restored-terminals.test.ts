// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { readlink } from 'node:fs/promises';
import test, { type ExecutionContext } from 'ava';
import {
  checkpointContainer,
  createContainer,
  removeImage,
  restoreContainer,
  taskOf,
} from '../helpers/containers.js';
import { processTree } from '../helpers/procfs.js';
import { until } from '../helpers/run.js';
import { wordsOf } from '../helpers/standbys.js';
import type { ContentDescriptor, TasksClient } from '../helpers/tasks-client.js';
import { COUNTER, LINE_NUMBERS } from '../helpers/workloads/counter.js';
import { containerId, daemon, leavesNothingBehind, remove, useContainerd } from './context.js';
import { openTasks, Streams } from './streams.js';

useContainerd([COUNTER.archive]);

const SHELL = ['/bin/sh', '-i'];

async function create(t: ExecutionContext, name: string): Promise<string> {
  const id = containerId(t, name);
  await createContainer(daemon(), { id, image: COUNTER.image, args: SHELL, flags: ['--tty'] });
  return id;
}

/** The command lines of a container's processes; empty for one that has ended meanwhile. */
async function commandsOf(initPid: number): Promise<string[]> {
  return (await processTree(initPid)).map((pid) => wordsOf(pid, 'cmdline').join(' '));
}

/** Where a task with a terminal is to lead. */
function terminalOf({ stdio: { stdin, stdout } }: Streams) {
  return { stdin, stdout, terminal: true };
}

/** A shell on a terminal of 45 lines, with a variable, waiting at its prompt. */
async function shell(
  t: ExecutionContext,
  tasks: TasksClient,
  name: string,
): Promise<{ id: string; streams: Streams }> {
  const id = await create(t, name);
  const streams = await Streams.open(t, id);
  await tasks.begin(id, terminalOf(streams));
  await streams.match('stdout', /# /);
  await tasks.resize(id, 120, 45);
  await streams.write('answer=42; stty -echoctl\n');
  await streams.match('stdout', /echoctl\r\n[^]*# /);
  return { id, streams };
}

/** Checkpoints a shell and ends it. */
async function checkpointed(
  t: ExecutionContext,
  tasks: TasksClient,
  before: (streams: Streams) => Promise<void> = () => Promise.resolve(),
): Promise<ContentDescriptor> {
  const { id, streams } = await shell(t, tasks, 'original');
  await before(streams);
  const checkpoint = await tasks.checkpoint(id, { exit: true });
  await tasks.wait(id);
  await tasks.delete(id);
  await daemon().ctr(['containers', 'rm', id]);
  await streams.close();
  return checkpoint;
}

async function restored(
  t: ExecutionContext,
  tasks: TasksClient,
  checkpoint: ContentDescriptor,
): Promise<{ id: string; streams: Streams }> {
  const id = await create(t, 'restored');
  const streams = await Streams.open(t, id);
  await tasks.restore(id, checkpoint, terminalOf(streams));
  return { id, streams };
}

test.serial('a shell goes on where it was, on a terminal of its new task', async (t) => {
  const tasks = await openTasks(t);
  const checkpoint = await checkpointed(t, tasks);
  for (let i = 0; i < 2; i++) {
    const { id, streams } = await restored(t, tasks, checkpoint);
    await streams.write('echo "$answer"; stty size; stty -a; tty\n');
    await streams.match('stdout', /\r\n42\r\n45 120\r\n[^]*-echoctl[^]*\/dev\/[a-z0-9/]+\r\n/);
    const ended = tasks.wait(id);
    await streams.write('exit 5\n');
    t.is(await ended, 5);
    t.is(await tasks.delete(id), 5);
    await daemon().ctr(['containers', 'rm', id]);
  }
});

test.serial('the new terminal is resized, and its shell controls jobs', async (t) => {
  const tasks = await openTasks(t);
  const checkpoint = await checkpointed(t, tasks);
  const { id, streams } = await restored(t, tasks, checkpoint);
  await streams.write(
    `sh -c 'trap "stty size" WINCH CONT; echo $((6 * 7)); while :; do sleep 0.1; done'\n`,
  );
  await streams.match('stdout', /\r\n42\r\n/);
  await tasks.resize(id, 77, 22);
  await streams.match('stdout', /22 77\r\n/);
  await streams.write('\x1a');
  await streams.match('stdout', /Stopped/);
  // BusyBox loses what it is writing when SIGCHLD tells it that the job goes on: another process says so.
  await streams.write('bg\n');
  await streams.match('stdout', /22 77\r\n/);
  await streams.write('jobs\n');
  await streams.match('stdout', /Running/);
  await streams.write('kill %1; wait; echo over\n');
  await streams.match('stdout', /\r\nover\r\n/);
  await remove(t, id);
});

test.serial('a job that was in the foreground still is, and hears of keys', async (t) => {
  const tasks = await openTasks(t);
  const job = `sh -c 'trap "echo caught; exit 3" INT; echo up; while :; do sleep 0.1; done'`;
  const checkpoint = await checkpointed(t, tasks, async (streams) => {
    await streams.write(`${job}\n`);
    await streams.match('stdout', /\r\nup\r\n/);
  });
  const { id, streams } = await restored(t, tasks, checkpoint);
  await streams.write('\x03');
  await streams.match('stdout', /caught\r\n[^]*# /);
  await streams.write('echo "status $?"\n');
  await streams.match('stdout', /\r\nstatus 3\r\n/);
  await remove(t, id);
});

test.serial('a shell is checkpointed again after its restore', async (t) => {
  const tasks = await openTasks(t);
  const first = await restored(t, tasks, await checkpointed(t, tasks));
  await first.streams.write('answer=$((answer + 1)); echo done\n');
  await first.streams.match('stdout', /\r\ndone\r\n[^]*# /);
  const checkpoint = await tasks.checkpoint(first.id, { exit: true });
  await tasks.wait(first.id);
  await tasks.delete(first.id);
  const second = await restored(t, tasks, checkpoint);
  await second.streams.write('echo "now $answer"\n');
  await second.streams.match('stdout', /\r\nnow 43\r\n/);
  await remove(t, second.id);
});

test.serial('a shell that is left running keeps its terminal', async (t) => {
  const tasks = await openTasks(t);
  const { id, streams } = await shell(t, tasks, 'left');
  await tasks.checkpoint(id, { exit: false });
  await streams.write('echo "$answer"; stty size\n');
  await streams.match('stdout', /\r\n42\r\n45 120\r\n/);
  await tasks.resize(id, 77, 22);
  await streams.write('stty size\n');
  await streams.match('stdout', /\r\n22 77\r\n/);
  await remove(t, id);
});

/** Later releases ask for a terminal, and use their own, which a test does not have. */
const hasOldCtr = execFileSync('containerd', ['--version'], { encoding: 'utf8' }).includes(' 1.6.');
const oldCtr = hasOldCtr ? test.serial : test.serial.skip;

oldCtr('ctr 1.6 restores a container with a terminal, though it asks for none', async (t) => {
  const tasks = await openTasks(t);
  const { id } = await shell(t, tasks, 'ctr');
  const reference = 'mvas.test/terminal:1';
  await checkpointContainer(daemon(), id, reference);
  const copy = containerId(t, 'copy');
  const pid = await restoreContainer(daemon(), copy, reference);
  t.is((await taskOf(daemon(), copy)).status, 'RUNNING');
  t.is(await readlink(`/proc/${String(pid)}/fd/0`), '/dev/pts/0');
  await remove(t, copy);
  await remove(t, id);
  await removeImage(daemon(), reference);
});

test.serial('a container without a terminal is restored with one', async (t) => {
  const tasks = await openTasks(t);
  const original = containerId(t, 'plain');
  await createContainer(daemon(), { id: original, image: COUNTER.image, args: LINE_NUMBERS });
  const plain = await Streams.open(t, original);
  await tasks.begin(original, plain.stdio);
  await plain.write('before\n');
  await plain.expect(t, 'stdout', '1 before\n');
  const checkpoint = await tasks.checkpoint(original, { exit: true });
  await tasks.wait(original);
  await tasks.delete(original);
  const { id, streams } = await restored(t, tasks, checkpoint);
  await streams.write('after\n');
  await streams.match('stdout', /after\r\n2 after\r\nline 2\r\n/);
  await remove(t, id);
});

test.serial('a daemon that was started by an exec on a terminal comes along', async (t) => {
  const tasks = await openTasks(t);
  const original = containerId(t, 'daemon');
  await createContainer(daemon(), { id: original, image: COUNTER.image });
  const originalPid = await tasks.begin(original, {});
  const streams = await Streams.open(t, `${original}-exec`);
  const args = ['/bin/sh', '-c', "trap '' HUP; sleep 1000 & echo up"];
  await tasks.exec(original, { execId: 'sh', args, ...terminalOf(streams) });
  await streams.match('stdout', /up\r\n/);
  await tasks.wait(original, 'sh');
  await tasks.deleteExec(original, 'sh');
  await until('the daemon to be init’s, and a program of its own', async () =>
    (await commandsOf(originalPid)).includes('sleep 1000'),
  );
  const checkpoint = await tasks.checkpoint(original, { exit: true });
  await tasks.wait(original);
  await tasks.delete(original);
  // Twice, to tell what a checkpoint has lost from what a restore has.
  const trees: string[][] = [];
  for (const name of ['daemon-restored', 'daemon-once-more']) {
    const id = containerId(t, name);
    await createContainer(daemon(), { id, image: COUNTER.image });
    trees.push(await commandsOf(await tasks.restore(id, checkpoint)));
    await remove(t, id);
  }
  const found = trees.map((commands) => commands.includes('sleep 1000'));
  t.deepEqual(found, [true, true], trees.map((commands) => commands.join(', ')).join(' | '));
});

leavesNothingBehind();
