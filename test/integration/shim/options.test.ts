// SPDX-License-Identifier: Apache-2.0
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ShimError } from '../../../src/common/errors.js';
import { decode, encode } from '../../../src/shim/proto/codec.js';
import { Options as MvasOptions } from '../../../src/common/messages/mvas-options.js';
import { CheckpointOptions } from '../../../src/common/messages/runc-options.js';
import { DeleteResponse } from '../../../src/common/messages/task.js';
import { vasesOf } from '../../helpers/containerd-cleanup.js';
import { PrivateShim, runcOptions, type ShimClient } from '../../helpers/private-shim.js';
import { leftAtLast, run, until } from '../../helpers/run.js';
import { BIN } from '../../helpers/paths.js';

const SLEEP = 'while :; do sleep 1; done';
const RESOURCES = 'types.containerd.io/opencontainers/runtime-spec/1/LinuxResources';
const MIB = 1024 * 1024;

interface Situation {
  readonly shim: PrivateShim;
  readonly client: ShimClient;
  readonly bundle: string;
}

async function situation(
  t: ExecutionContext,
  edit?: Parameters<PrivateShim['bundle']>[2],
): Promise<Situation> {
  const shim = await PrivateShim.open(t);
  const bundle = shim.bundle('one', SLEEP, edit);
  return { shim, bundle, client: await shim.start('one') };
}

const annotated = (annotations: object) => (spec: Record<string, unknown>) => ({
  ...spec,
  annotations,
});

async function started({ client, bundle }: Situation, options = runcOptions({})): Promise<number> {
  const pid = await client.create({ id: 'one', bundle, options });
  await client.start('one');
  return pid;
}

/** Whether a process runs; a zombie, which is its new parent's to reap, does not. */
function isAlive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

function limitOf({ shim }: Situation): number {
  const directory = `/sys/fs/cgroup/memory/${shim.namespace}/one`;
  return Number(readFileSync(join(directory, 'memory.limit_in_bytes'), 'utf8'));
}

test('binary, root and flags of runc’s options reach every runc', async (t) => {
  const all = await situation(t);
  const { shim, client, bundle } = all;
  const root = join(shim.directory, 'runc-root');
  shim.runc('my-runc', 'echo "$*" >> "$0.log"; exec runc "$@"');
  const options = { root, binaryName: join(shim.directory, 'my-runc') };
  await started(all, runcOptions({ ...options, noPivotRoot: true, noNewKeyring: true }));
  t.true(existsSync(join(root, shim.namespace, 'one', 'state.json')));
  t.deepEqual(JSON.parse(readFileSync(join(bundle, 'options.json'), 'utf8')), {
    binary: options.binaryName,
    root: join(root, shim.namespace),
    systemdCgroup: false,
  });
  await client.kill({ id: 'one', signal: 9 });
  await client.wait('one');
  await client.delete('one');
  const calls = readFileSync(join(shim.directory, 'my-runc.log'), 'utf8').trimEnd().split('\n');
  t.regex(calls[0] ?? '', / create .*--no-pivot --no-new-keyring one$/);
  t.regex(calls.at(-1) ?? '', / delete one$/);
  for (const call of calls) t.true(call.startsWith(`--root ${root}/${shim.namespace} `), call);
});

test('with systemd_cgroup runc is told so', async (t) => {
  const all = await situation(t);
  all.shim.runc('my-runc', 'echo "$*" >> "$0.log"; exit 1');
  const binaryName = join(all.shim.directory, 'my-runc');
  await t.throwsAsync(started(all, runcOptions({ binaryName, systemdCgroup: true })));
  t.regex(readFileSync(`${binaryName}.log`, 'utf8'), / --systemd-cgroup create /);
});

test('delete finds what a killed daemon has left, by the options in the bundle', async (t) => {
  const all = await situation(t);
  const root = join(all.shim.directory, 'runc-root');
  const pid = await started(all, runcOptions({ root }));
  const { shimPid } = await all.client.connect('one');
  process.kill(shimPid, 'SIGKILL');
  await all.shim.ended();
  t.true(isAlive(pid));
  const flags = ['-namespace', all.shim.namespace, '-address', all.shim.address, '-id', 'one'];
  const args = [...flags, '-bundle', all.bundle, 'delete'];
  const shim = join(BIN, 'containerd-shim-mvas-v1');
  const left = async (): Promise<string[]> => {
    const { status, stderr } = spawnSync(shim, args, { cwd: all.bundle });
    t.is(status, 0, stderr.toString());
    await until('the container to end', () => Promise.resolve(!isAlive(pid)));
    return [...readdirSync(join(root, all.shim.namespace)), ...(await all.shim.leftovers('one'))];
  };
  // On a very busy machine runc may need more time than containerd gives for all: another call then does the rest.
  t.deepEqual(await leftAtLast(left), []);
  t.deepEqual(await left(), []);
});

for (const [what, instead] of [
  ['fails', 'exit 1'],
  ['hangs', 'exec sleep 1000'],
] as const) {
  test(`delete answers, and leaves no process, where runc ${what}`, async (t) => {
    const all = await situation(t);
    const script = `case " $* " in *" delete "*) ${instead};; esac; exec runc "$@"`;
    const pid = await started(all, all.shim.runc('my-runc', script));
    const { shimPid } = await all.client.connect('one');
    process.kill(shimPid, 'SIGKILL');
    await all.shim.ended();
    const flags = ['-namespace', all.shim.namespace, '-address', all.shim.address, '-id', 'one'];
    const args = [...flags, '-bundle', all.bundle, 'delete'];
    const began = performance.now();
    const shim = join(BIN, 'containerd-shim-mvas-v1');
    const { status, stdout, stderr } = spawnSync(shim, args, { cwd: all.bundle });
    t.true(performance.now() - began < 5_000, 'the time that containerd gives it');
    t.is(status, 0);
    const { pid: told, exitStatus } = decode(DeleteResponse, stdout);
    t.deepEqual({ told, exitStatus }, { told: pid, exitStatus: 137 });
    t.regex(stderr.toString(), /delete the container by runc: /);
    t.false(isAlive(pid));
    await run('runc', ['--root', `/run/containerd/runc/${all.shim.namespace}`, 'delete', 'one']);
  });
}

test('the pipes that runc is given belong to io_uid and io_gid', async (t) => {
  const all = await situation(t);
  const fifo = join(all.shim.directory, 'out');
  await run('mkfifo', [fifo]);
  const reader = spawn('cat', [fifo], { stdio: 'ignore' });
  t.teardown(() => reader.kill('SIGKILL'));
  all.shim.runc(
    'my-runc',
    'owner="$(stat -Lc "%F %u:%g" /proc/$$/fd/1)"; echo "$owner" > "$0.log"; exit 1',
  );
  const binaryName = join(all.shim.directory, 'my-runc');
  const options = runcOptions({ binaryName, ioUid: 1234, ioGid: 4321 });
  await t.throwsAsync(all.client.create({ id: 'one', bundle: all.bundle, options, stdout: fifo }));
  t.is(readFileSync(`${binaryName}.log`, 'utf8'), 'fifo 1234:4321\n');
});

test('an update changes limits, and its annotations are no reason to fail', async (t) => {
  const all = await situation(t);
  await started(all);
  const update = (json: string, typeUrl = RESOURCES) =>
    all.client.update('one', { typeUrl, value: Buffer.from(json) });
  await update(JSON.stringify({ memory: { limit: 64 * MIB } }));
  t.is(limitOf(all), 64 * MIB);
  await all.client.order('Pause', 'one');
  await update(JSON.stringify({ memory: { limit: 32 * MIB }, cpu: { shares: 512 } }));
  t.is(limitOf(all), 32 * MIB);
  t.is((await all.client.state('one')).status, 4);
  await all.client.order('Resume', 'one');
  for (const [json, url] of [
    ['{}', 'types.containerd.io/opencontainers/runtime-spec/1/Process'],
    ['garbage', RESOURCES],
    ['{"memory":{"limit":"much"}}', RESOURCES],
  ] as const) {
    const error = await t.throwsAsync(update(json, url), { instanceOf: ShimError }, json);
    t.is(error.kind, 'invalidArgument', error.message);
  }
  t.is(limitOf(all), 32 * MIB);
});

test('a restored container can be updated, and has figures of its own', async (t) => {
  const all = await situation(t);
  await started(all);
  const image = join(all.shim.directory, 'image');
  await all.client.checkpoint('one', image);
  const bundle = all.shim.bundle('two', SLEEP);
  const client = await all.shim.start('two');
  await t.throwsAsync(client.stats('two'), { message: /task two not found/ });
  await client.create({ id: 'two', bundle, checkpoint: image });
  await t.throwsAsync(client.stats('two'), { message: /has no cgroup yet/ });
  await client.start('two');
  const value = Buffer.from(JSON.stringify({ memory: { limit: 48 * MIB } }));
  await client.update('two', { typeUrl: RESOURCES, value });
  const path = `/sys/fs/cgroup/memory/${all.shim.namespace}/two/memory.limit_in_bytes`;
  t.is(Number(readFileSync(path, 'utf8')), 48 * MIB);
  t.is((await client.stats('two')).typeUrl, 'io.containerd.cgroups.v1.Metrics');
});

test('a container may refuse to be checkpointed', async (t) => {
  const all = await situation(t, annotated({ 'mvas.checkpoint': 'refuse' }));
  await started(all);
  const error = await t.throwsAsync(
    all.client.checkpoint('one', join(all.shim.directory, 'image')),
    { instanceOf: ShimError },
  );
  t.is(error.kind, 'failedPrecondition');
  t.regex(error.message, /forbids checkpoints/);
  t.deepEqual(await vasesOf(all.shim), []);
  t.is((await all.client.state('one')).status, 2);
});

test('a container may end by a checkpoint that says nothing', async (t) => {
  const all = await situation(t, annotated({ 'mvas.checkpoint.exit': 'true' }));
  await started(all);
  const image = (name: string) => join(all.shim.directory, name);
  const value = encode(CheckpointOptions, { exit: false });
  await all.client.checkpoint('one', image('a'), { typeUrl: CheckpointOptions, value });
  t.is((await all.client.state('one')).status, 2);
  await all.client.checkpoint('one', image('b'));
  t.is(await all.client.wait('one'), 137);
});

test('a VAS may be limited by our own options, with runc’s inside', async (t) => {
  const all = await situation(t, (spec) => {
    const large = 'x=0123456789abcdef; for i in $(busybox seq 18); do x=$x$x; done; echo > /ready';
    const process = spec['process'] as object;
    const env = ['PATH=/bin'];
    const args = ['/bin/busybox', 'sh', '-c', `${large}; ${SLEEP}`];
    return { ...spec, process: { ...process, args, env } };
  });
  const runc = { root: join(all.shim.directory, 'runc-root') };
  const value = encode(MvasOptions, { runc, vasMemoryLimit: BigInt(MIB) });
  await started(all, { typeUrl: MvasOptions, value });
  t.true(existsSync(join(runc.root, all.shim.namespace, 'one')));
  const ready = join(all.bundle, 'rootfs/ready');
  await until('memory to be filled', () => Promise.resolve(existsSync(ready)));
  const error = await t.throwsAsync(
    all.client.checkpoint('one', join(all.shim.directory, 'image')),
    { instanceOf: ShimError },
  );
  t.is(error.kind, 'resourceExhausted', error.message);
  t.deepEqual(await vasesOf(all.shim), []);
  t.is((await all.client.state('one')).status, 2);
});
