// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ShimError } from '../../../src/common/errors.js';
import { PrivateShim, type ShimClient } from '../../helpers/private-shim.js';
import { run, until } from '../../helpers/run.js';

/** Exactly one process at any time. */
const SLEEP = 'exec sleep 9999';
/** A runc whose exec hangs. */
const HANGS =
  'case " $* " in *" exec "*) touch "$0.called"; exec sleep 1000;; esac; exec runc "$@"';
const PAUSED = 4;
/** Of a call: runc has been called by then, also on a busy machine. */
const LIMIT_MS = 5_000;
const SIGTERM = 15;
const SIGKILL = 9;

interface Situation {
  readonly shim: PrivateShim;
  readonly client: ShimClient;
}

async function started(t: ExecutionContext, script: string): Promise<Situation> {
  const shim = await PrivateShim.open(t);
  const bundle = shim.bundle('one', SLEEP);
  const client = await shim.start('one');
  await client.create({ id: 'one', bundle, options: shim.runc('my-runc', script) });
  await client.start('one');
  return { shim, client };
}

function processSpec(...args: string[]): { value: Uint8Array } {
  return { value: Buffer.from(JSON.stringify({ args, cwd: '/' })) };
}

/** Starts a process whose runc hangs, and waits until runc is at work; the error of the start is yet to come. */
async function hanging(
  { shim, client }: Situation,
  timeoutMs?: number,
): Promise<{ readonly failed: Promise<Error> }> {
  await client.exec({ id: 'one', execId: 'e', spec: processSpec('/bin/busybox', 'true') });
  const failed = client.start('one', 'e', timeoutMs).then(
    () => new Error('it was started'),
    (error: unknown) => error as Error,
  );
  const called = join(shim.directory, 'my-runc.called');
  await until('runc to be called', () => Promise.resolve(existsSync(called)));
  return { failed };
}

async function kindOf(failed: Promise<unknown>): Promise<string> {
  const error = await failed;
  return error instanceof ShimError ? error.kind : String(error);
}

test('an exec that hangs holds up no other verb', async (t) => {
  const all = await started(t, HANGS);
  const { failed } = await hanging(all);
  let isOver = false;
  void failed.then(() => (isOver = true));
  await all.client.order('Pause', 'one');
  t.is((await all.client.state('one')).status, PAUSED);
  await all.client.order('Resume', 'one');
  await all.client.checkpoint('one', join(all.shim.directory, 'image'));
  t.false(isOver, 'the exec still hangs');
  await all.client.kill({ id: 'one', signal: SIGKILL });
  await all.client.wait('one');
  t.regex((await failed).message, /did not end in time/);
});

test('SIGKILL ends the start of a process that hangs, another signal does not', async (t) => {
  const all = await started(t, HANGS);
  const { failed } = await hanging(all);
  const one = { id: 'one', execId: 'e' };
  const term = t.throwsAsync(all.client.kill({ ...one, signal: SIGTERM }), {
    message: /still being started/,
  });
  const removal = t.throwsAsync(all.client.delete('one', 'e'), { message: /is being started/ });
  await Promise.all([term, removal]);
  await all.client.kill({ ...one, signal: SIGKILL });
  t.regex((await failed).message, /did not end in time/);
  await all.client.delete('one', 'e');
  t.is((await all.client.state('one')).status, 2);
});

test('the start of a process that hangs ends with the time limit of the call', async (t) => {
  const all = await started(t, HANGS);
  const { failed } = await hanging(all, LIMIT_MS);
  t.regex((await failed).message, /no answer in|time limit|in time/);
  await until('the process to be removed', async () => {
    return (
      (await kindOf(all.client.delete('one', 'e').catch((error: unknown) => error))) !== 'unknown'
    );
  });
});

test('what a killed runc had started ends with it', async (t) => {
  const script = `case " $* " in *" exec "*)
    runc "$@"; touch "$0.called"; exec sleep 1000;; esac
  exec runc "$@"`;
  const all = await started(t, script);
  const before = (await all.client.pids('one')).processes.length;
  const { client } = all;
  await client.exec({
    id: 'one',
    execId: 'long',
    spec: processSpec('/bin/busybox', 'sleep', '999'),
  });
  const failed = t.throwsAsync(client.start('one', 'long'), { message: /did not end in time/ });
  const called = join(all.shim.directory, 'my-runc.called');
  await until('the process to be there', () => Promise.resolve(existsSync(called)));
  t.is((await client.pids('one')).processes.length, before + 1);
  await client.kill({ id: 'one', execId: 'long', signal: SIGKILL });
  await failed;
  await t.notThrowsAsync(
    until('it to end', async () => (await client.pids('one')).processes.length === before),
  );
});

test('a runc that has more to say than a pipe holds is heard out', async (t) => {
  const all = await started(t, 'exec runc "$@"');
  const fifo = join(all.shim.directory, 'err');
  await run('mkfifo', [fifo]);
  const reading = readFile(fifo, 'utf8');
  const spec = processSpec('x'.repeat(300_000));
  await all.client.exec({ id: 'one', execId: 'e', spec, stderr: fifo });
  await t.throwsAsync(all.client.start('one', 'e'), {
    message: /exec: "xxx.* … x+": executable file not found/,
  });
  await all.client.delete('one', 'e');
  t.is(await reading, '', 'what runc says is not the process’s');
});

test('output is complete and in order that came before runc had ended', async (t) => {
  const script = `case " $* " in *" exec "*)
    runc "$@"; while [ ! -e "$0.go" ]; do sleep 0.05; done; exit 0;; esac
  exec runc "$@"`;
  const all = await started(t, script);
  const fifo = join(all.shim.directory, 'out');
  await run('mkfifo', [fifo]);
  const reading = readFile(fifo, 'utf8');
  const done = '/done';
  const spec = processSpec(
    '/bin/busybox',
    'sh',
    '-c',
    `busybox seq 50000; echo > ${done}; busybox seq 50001 60000`,
  );
  await all.client.exec({ id: 'one', execId: 'e', spec, stdout: fifo });
  const start = all.client.start('one', 'e');
  await until('the process to have written much', () =>
    Promise.resolve(existsSync(join(all.shim.directory, 'one/rootfs', done))),
  );
  await run('touch', [join(all.shim.directory, 'my-runc.go')]);
  await start;
  t.is(await all.client.wait('one', 'e'), 0);
  await all.client.delete('one', 'e');
  const lines = (await reading).trimEnd().split('\n').map(Number);
  t.deepEqual(
    lines,
    Array.from({ length: 60_000 }, (_, index) => index + 1),
  );
});
