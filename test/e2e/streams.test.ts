// SPDX-License-Identifier: Apache-2.0
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createContainer, runContainer, RUNTIME, taskOf } from '../helpers/containers.js';
import { until, type RunResult } from '../helpers/run.js';
import { COUNTER, LINE_NUMBERS } from '../helpers/workloads/counter.js';
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

const CAT = ['/bin/cat'];
const SIGKILL = 9;

/** A logger as `binary://` runs it: copies its two streams to files in the directory it is given. */
const LOGGER = `#!/bin/sh
test "$1" = dir || exit 1
echo "$CONTAINER_NAMESPACE $CONTAINER_ID $*" >"$2/arguments"
tr '\\0' '\\n' </proc/$$/environ | cut -d= -f1 >"$2/environment"
cat <&3 >"$2/out" 5>&- &
cat <&4 >"$2/err" 5>&- &
exec 3<&- 4<&- 5>&-
wait
`;

async function create(t: ExecutionContext, name: string, args: readonly string[]): Promise<string> {
  const id = containerId(t, name);
  await createContainer(daemon(), { id, image: COUNTER.image, args });
  return id;
}

/** Runs a shell's program with its output going to a log URI, to its end. */
function runLogged(id: string, uri: string, program: string): Promise<RunResult> {
  const { snapshotter } = daemon();
  const flags = ['--rm', '--snapshotter', snapshotter, '--runtime', RUNTIME, '--log-uri', uri];
  return daemon().tryCtr(['run', ...flags, COUNTER.image, id, 'sh', '-c', program]);
}

test.serial('a log file is created with its directories, and appended to', async (t) => {
  const path = join(daemon().directory, 'logs', 'deep', 'a b.log');
  const uri = `file://${path.replace(' ', '%20')}`;
  for (const word of ['one', 'two']) {
    const result = await runLogged(containerId(t, 'file'), uri, `echo ${word}; echo err >&2`);
    t.is(result.code, 0, result.stderr);
  }
  // containerd's own shim copies the two streams in parallel.
  const lines = (await readFile(path, 'utf8')).trim().split('\n');
  t.deepEqual(lines.sort(), ['err', 'err', 'one', 'two']);
});

test.serial(
  'a logger gets both streams up to their ends, with the id of their container',
  async (t) => {
    const id = containerId(t, 'logger');
    const { directory, namespace } = daemon();
    const logger = join(directory, 'logger.sh');
    await writeFile(logger, LOGGER, { mode: 0o755 });
    const program = 'seq 1 50000; echo problem >&2';
    const result = await runLogged(id, `binary://${logger}?dir=${directory}`, program);
    t.is(result.code, 0, result.stderr);
    const text = (name: string): Promise<string> => readFile(join(directory, name), 'utf8');
    t.is((await text('out')).length, 288894);
    t.is(await text('err'), 'problem\n');
    t.is(await text('arguments'), `${namespace} ${id} dir ${directory}\n`);
    // The shell adds what it always does.
    const own = ['CONTAINER_ID', 'CONTAINER_NAMESPACE'];
    const others = (await text('environment'))
      .trim()
      .split('\n')
      .filter((one) => !own.includes(one));
    t.deepEqual(
      others.filter((name) => !['PWD', 'OLDPWD', '_', 'SHLVL'].includes(name)),
      [],
    );
  },
);

test.serial('the error for a missing logger names it', async (t) => {
  const result = await runLogged(containerId(t, 'absent'), 'binary:///no/such/logger', 'true');
  t.not(result.code, 0);
  t.regex(result.stderr, /\/no\/such\/logger/);
});

test.serial('a container without output streams runs to its end', async (t) => {
  const tasks = await openTasks(t);
  const id = await create(t, 'null', ['/bin/seq', '1', '100000']);
  await tasks.begin(id, {});
  t.is(await tasks.wait(id), 0);
  t.is(await tasks.delete(id), 0);
});

// containerd's own shim of 1.6 waits forever.
const ours = IS_RUNC ? test.serial.skip : test.serial;

ours('FIFOs that are not there are named, and the next attempt may succeed', async (t) => {
  const tasks = await openTasks(t);
  const id = await create(t, 'wrong', CAT);
  for (const stream of ['stdin', 'stdout', 'stderr']) {
    const wrong = { [stream]: `/no/such/${stream}` };
    await t.throwsAsync(tasks.begin(id, wrong), { message: new RegExp(`/no/such/${stream}`) });
  }
  const streams = await Streams.open(t, id);
  await tasks.begin(id, streams.stdio);
  await streams.write('works\n');
  await streams.expect(t, 'stdout', 'works\n');
  await remove(t, id);
});

test.serial(
  'stdin ends once the client has closed it by CloseIO, not when the client only goes away',
  async (t) => {
    const tasks = await openTasks(t);
    const id = await create(t, 'input', CAT);
    const streams = await Streams.open(t, id);
    await tasks.begin(id, streams.stdio);
    await streams.write('first\n');
    await streams.expect(t, 'stdout', 'first\n');
    await streams.close();
    await streams.reopen();
    await streams.write('second\n');
    await streams.expect(t, 'stdout', 'second\n');
    const ended = tasks.wait(id);
    await tasks.closeStdin(id);
    await streams.write('third\n');
    await streams.expect(t, 'stdout', 'third\n');
    await streams.closeStdin();
    t.is(await ended, 0);
    t.is(await tasks.delete(id), 0);
  },
);

test.serial('stdin of an exec ends in the same way', async (t) => {
  const tasks = await openTasks(t);
  const id = containerId(t, 'beside');
  await runContainer(daemon(), { id, image: COUNTER.image });
  const streams = await Streams.open(t, id);
  await tasks.exec(id, { execId: 'cat', args: CAT, ...streams.stdio });
  await streams.write('typed\n');
  await streams.expect(t, 'stdout', 'typed\n');
  const ended = tasks.wait(id, 'cat');
  await tasks.closeStdin(id, 'cat');
  await streams.closeStdin();
  t.is(await ended, 0);
  t.is(await tasks.deleteExec(id, 'cat'), 0);
});

test.serial('a reader that stops reading blocks only its own container', async (t) => {
  const tasks = await openTasks(t);
  const stuck = await create(t, 'stuck', ['/bin/seq', '1', '1000000']);
  const away = await Streams.open(t, stuck);
  const pid = await tasks.begin(stuck, away.stdio);
  await until('the writer to wait', async () => {
    const wchan = await readFile(`/proc/${String(pid)}/wchan`, 'utf8');
    return wchan.includes('pipe_write');
  });
  const id = await create(t, 'other', LINE_NUMBERS);
  const streams = await Streams.open(t, id);
  await tasks.begin(id, streams.stdio);
  await streams.write('passes by\n');
  await streams.expect(t, 'stdout', '1 passes by\n');
  t.is((await taskOf(daemon(), stuck)).status, 'RUNNING');
  await remove(t, id);
  const ended = tasks.wait(stuck);
  const all = await away.waitFor('stdout', (text) => text.endsWith('\n1000000\n'));
  t.is(all.length, 6888896);
  t.is(await ended, 0);
  t.is(await tasks.delete(stuck), 0);
});

test.serial('output that nobody reads is dropped when the task is deleted', async (t) => {
  const tasks = await openTasks(t);
  const id = await create(t, 'unread', ['/bin/seq', '1', '1000000']);
  const streams = await Streams.open(t, id);
  await tasks.begin(id, streams.stdio);
  const ended = tasks.wait(id);
  await streams.waitFor('stdout', (text) => text.length > 0);
  await tasks.kill(id, SIGKILL);
  t.is(await ended, 137);
  t.is(await tasks.delete(id), 137);
});

test.serial('a task that was never started is deleted', async (t) => {
  const tasks = await openTasks(t);
  const id = await create(t, 'created', CAT);
  const streams = await Streams.open(t, id);
  await tasks.create(id, streams.stdio);
  await tasks.kill(id, SIGKILL);
  await tasks.wait(id);
  await t.notThrowsAsync(tasks.delete(id));
});

test.serial('the pipes belong to the group named by the options', async (t) => {
  const tasks = await openTasks(t);
  const id = await create(t, 'owner', CAT);
  const streams = await Streams.open(t, id);
  const pid = await tasks.begin(id, streams.stdio, { io_uid: 33, io_gid: 44 });
  for (const fd of [0, 1, 2]) {
    const { uid, gid } = await stat(`/proc/${String(pid)}/fd/${String(fd)}`);
    t.deepEqual([uid, gid], [0, 44]); // runc gives them to the user of the process
  }
  await remove(t, id);
});

leavesNothingBehind();
