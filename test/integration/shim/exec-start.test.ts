// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { ShimError } from '../../../src/common/errors.js';
import { PrivateShim, type ShimClient } from '../../helpers/private-shim.js';
import { leftAtLast, run, until } from '../../helpers/run.js';

/** Before a FIFO without a reader is given up. */
const SOONER_MS = 25_000;

const SLEEP = 'while :; do sleep 1; done';
const EXEC = {
  value: Buffer.from(JSON.stringify({ args: ['/bin/busybox', 'sleep', '1000'], cwd: '/' })),
};
/** A runc whose exec waits for a file, and reports by another that it waits. */
const SLOW = `case " $* " in *" exec "*)
  touch "$0.called"; while [ ! -e "$0.go" ]; do sleep 0.05; done;; esac
exec runc "$@"`;

interface Situation {
  readonly shim: PrivateShim;
  readonly client: ShimClient;
  readonly runc: string;
}

async function started(t: ExecutionContext): Promise<Situation> {
  const shim = await PrivateShim.open(t);
  const bundle = shim.bundle('one', SLEEP);
  const client = await shim.start('one');
  const options = shim.runc('slow-runc', SLOW);
  await client.create({ id: 'one', bundle, options });
  await client.start('one');
  return { shim, client, runc: join(shim.directory, 'slow-runc') };
}

/** Asks for the start of a process, and waits until runc is at work. */
async function starting({ client, runc }: Situation): Promise<Promise<number>[]> {
  await client.exec({ id: 'one', execId: 'added', spec: EXEC });
  const start = client.start('one', 'added');
  start.catch(() => undefined);
  await until('runc to be called', () => Promise.resolve(existsSync(`${runc}.called`)));
  return [start];
}

/** Adds a process whose output nobody reads, and asks for its start. */
async function unread({
  shim,
  client,
}: Situation): Promise<{ start: Promise<Error>; fifo: string }> {
  const fifo = join(shim.directory, 'out');
  await run('mkfifo', [fifo]);
  await client.exec({ id: 'one', execId: 'unread', spec: EXEC, stdout: fifo });
  const start = client.start('one', 'unread').then(
    () => new Error('it was started'),
    (error: unknown) => error as Error,
  );
  await delay(100);
  return { start, fifo };
}

function kindOf(error: Error): string {
  return error instanceof ShimError ? error.kind : String(error);
}

test('a process that is being started is not deleted: it runs, and can be killed', async (t) => {
  const all = await started(t);
  const [start] = await starting(all);
  const deletion = t.throwsAsync(all.client.delete('one', 'added'), { message: /is running/ });
  writeFileSync(`${all.runc}.go`, '');
  t.true(((await start) ?? 0) > 0);
  await deletion;
  await all.client.kill({ id: 'one', execId: 'added', signal: 9 });
  t.is(await all.client.wait('one', 'added'), 137);
  await all.client.delete('one', 'added');
});

test('a kill of a process that is being started waits for that', async (t) => {
  const all = await started(t);
  const [start] = await starting(all);
  const kill = all.client.kill({ id: 'one', execId: 'added', signal: 9 });
  writeFileSync(`${all.runc}.go`, '');
  await t.notThrowsAsync(kill);
  await start;
  t.is(await all.client.wait('one', 'added'), 137);
});

test('input that ends while the process is being started has ended', async (t) => {
  const all = await started(t);
  const { client, shim } = all;
  const [stdin, stdout] = [join(shim.directory, 'in'), join(shim.directory, 'out')];
  await run('mkfifo', [stdin, stdout]);
  const spec = { value: Buffer.from(JSON.stringify({ args: ['/bin/busybox', 'cat'], cwd: '/' })) };
  await client.exec({ id: 'one', execId: 'cat', spec, stdin, stdout });
  const output = readFile(stdout, 'utf8');
  const start = client.start('one', 'cat');
  await until('runc to be called', () => Promise.resolve(existsSync(`${all.runc}.called`)));
  await writeFile(stdin, 'all there is');
  await client.closeIo('one', 'cat');
  writeFileSync(`${all.runc}.go`, '');
  await start;
  t.is(await client.wait('one', 'cat'), 0);
  await client.delete('one', 'cat');
  t.is(await output, 'all there is');
});

test('a terminal has the size that was asked for while the process was being started', async (t) => {
  const all = await started(t);
  const { client, shim } = all;
  const stdout = join(shim.directory, 'out');
  await run('mkfifo', [stdout]);
  const args = [
    '/bin/busybox',
    'sh',
    '-c',
    'until busybox stty size 2>/dev/null | busybox grep 33; do :; done',
  ];
  const spec = { value: Buffer.from(JSON.stringify({ args, cwd: '/' })) };
  await client.exec({ id: 'one', execId: 'size', spec, stdout, terminal: true });
  const output = readFile(stdout, 'utf8');
  const start = client.start('one', 'size');
  await until('runc to be called', () => Promise.resolve(existsSync(`${all.runc}.called`)));
  await client.resize({ id: 'one', execId: 'size', width: 99, height: 33 });
  writeFileSync(`${all.runc}.go`, '');
  await start;
  t.is(await client.wait('one', 'size'), 0);
  await client.delete('one', 'size');
  t.is(await output, '33 99\r\n');
});

test('a process is started once', async (t) => {
  const all = await started(t);
  const [start] = await starting(all);
  await t.throwsAsync(all.client.start('one', 'added'), { message: /started before/ });
  writeFileSync(`${all.runc}.go`, '');
  await t.notThrowsAsync(start ?? Promise.reject(new Error('no start')));
});

test('a process whose output nobody reads keeps nobody else waiting', async (t) => {
  const all = await started(t);
  writeFileSync(`${all.runc}.go`, '');
  const { start, fifo } = await unread(all);
  const began = performance.now();
  await all.client.exec({ id: 'one', execId: 'other', spec: EXEC });
  t.true((await all.client.start('one', 'other')) > 0);
  await all.client.order('Pause', 'one');
  await all.client.order('Resume', 'one');
  await all.client.delete('one', 'unread');
  t.is(kindOf(await start), 'aborted');
  t.true(performance.now() - began < SOONER_MS);
  const { shimPid } = await all.client.connect('one');
  const isOpen = () => Promise.resolve(openFiles(shimPid).filter((path) => path === fifo));
  t.deepEqual(await leftAtLast(isOpen), []);
});

function openFiles(pid: number): string[] {
  const directory = `/proc/${String(pid)}/fd`;
  return readdirSync(directory).map((fd) => {
    try {
      return readlinkSync(join(directory, fd));
    } catch {
      return ''; // Closed meanwhile.
    }
  });
}

test('a process whose output nobody reads does not keep the end from being told', async (t) => {
  const all = await started(t);
  const { start } = await unread(all);
  const began = performance.now();
  await all.client.kill({ id: 'one', signal: 9 });
  t.is(await all.client.wait('one'), 137);
  t.is(kindOf(await start), 'failedPrecondition');
  await all.client.delete('one');
  t.true(performance.now() - began < SOONER_MS);
  t.deepEqual(await all.shim.leftovers('one'), []);
});

test('a Create whose output nobody reads ends with the deletion of its task', async (t) => {
  const shim = await PrivateShim.open(t);
  const bundle = shim.bundle('one', SLEEP);
  const client = await shim.start('one');
  const fifo = join(shim.directory, 'out');
  await run('mkfifo', [fifo]);
  const creation = t.throwsAsync(client.create({ id: 'one', bundle, stdout: fifo }));
  await until('the creation to begin', () =>
    Promise.resolve(existsSync(join(bundle, 'options.json'))),
  );
  const began = performance.now();
  await t.throwsAsync(client.delete('one'), { message: /not found/ });
  t.regex((await creation).message, /deleted meanwhile/);
  t.true(performance.now() - began < SOONER_MS);
});

/** A runc that starts a process without its terminal, and so sends none. */
const NO_TERMINAL = `case " $* " in *" exec "*)
  sed -i 's/"terminal":true/"terminal":false/' "$9"
  exec runc --root "$2" exec --process "$9" --detach --pid-file "\${14}" "\${15}";; esac
exec runc "$@"`;

test('a process whose terminal does not come is killed, and can be deleted', async (t) => {
  const shim = await PrivateShim.open(t);
  const bundle = shim.bundle('one', SLEEP);
  const client = await shim.start('one');
  const options = shim.runc('my-runc', NO_TERMINAL);
  await client.create({ id: 'one', bundle, options });
  await client.start('one');
  await client.exec({ id: 'one', execId: 'added', spec: EXEC, terminal: true });
  await t.throwsAsync(client.start('one', 'added'), { message: /sent no terminal/ });
  await client.wait('one', 'added');
  await client.delete('one', 'added');
  const { processes } = await client.pids('one');
  const commands = processes.map(({ pid }) => readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8'));
  t.false(commands.some((line) => line.includes('sleep\u00001000')));
});
