// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { vasRoot } from '../helpers/containerd-cleanup.js';
import { createContainer, runContainer } from '../helpers/containers.js';
import { mvas } from '../helpers/mvas-command.js';
import { findByArgument } from '../helpers/procfs.js';
import { until } from '../helpers/run.js';
import { slowFuse } from '../helpers/slow-fuse.js';
import { COUNTER } from '../helpers/workloads/counter.js';
import { containerId, daemon, leavesNothingBehind, remove, useContainerd } from './context.js';
import { assertAlive, assertInStep, failure, succeed } from './counters.js';
import { openTasks, Streams } from './streams.js';

useContainerd([COUNTER.archive]);

// A snapshot that a failed test has left would be found by the next one.
test.afterEach.always('remove snapshots', async () => {
  await mvas(daemon(), 'prune', '--keep', '0');
});

/** A counter that says so when it begins to count, after something else. */
const counterAfter = (work: string) => [
  '/bin/sh',
  '-c',
  `read birth < /proc/sys/kernel/random/uuid; i=0; ${work}
   while :; do i=$((i + 1)); echo "$birth $i" >> /state; sleep 0.02; done`,
];
const SPEAKER = counterAfter('echo "not yet"; sleep 0.2; echo "it is ready, $birth"; sleep 0.1');

interface Start {
  readonly when: string;
  readonly args?: readonly string[];
  readonly flags?: readonly string[];
}

function requestOf(t: ExecutionContext, { when, args = SPEAKER, flags = [] }: Start) {
  t.timeout(120_000);
  const id = containerId(t, 'early');
  const annotation = ['--annotation', `mvas.snapshot.when=${when}`];
  return { id, image: COUNTER.image, args, flags: [...annotation, ...flags] };
}

async function start(t: ExecutionContext, request: Start) {
  const asked = requestOf(t, request);
  return { id: asked.id, pid: await runContainer(daemon(), asked) };
}

interface Listed {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly holderPid: number;
}

async function listed(t: ExecutionContext): Promise<Listed[]> {
  return JSON.parse(await succeed(t, 'ls', '--json')) as Listed[];
}

/** Snapshots that containers have taken by themselves, and that are there. */
async function ownSnapshots(t: ExecutionContext): Promise<Listed[]> {
  const all = await listed(t);
  return all.filter(({ name, state }) => name.startsWith('when-') && state === 'complete');
}

async function ownSnapshot(t: ExecutionContext): Promise<Listed> {
  return await until('a snapshot', async () => (await ownSnapshots(t))[0]);
}

/** A line of a shim, in containerd's log. */
async function logged(t: ExecutionContext, id: string, line: RegExp): Promise<void> {
  const lines = () => readFileSync(daemon().logFile, 'utf8').split('\n');
  const isThere = () => lines().some((one) => one.includes(id) && line.test(one));
  await t.notThrowsAsync(until(String(line), () => Promise.resolve(isThere())));
}

/** Waits until a container is known to have said something: its shim copies that a moment later. */
async function says(t: ExecutionContext, id: string, text: RegExp): Promise<void> {
  const path = join(daemon().directory, `${id}.log`);
  const isThere = () => Promise.resolve(text.test(readFileSync(path, 'utf8')));
  await t.notThrowsAsync(until(`${id} to say ${String(text)}`, isThere));
}

/** The first start of its like takes a snapshot, from which the second one goes on. */
async function assertWarm(t: ExecutionContext, request: Start): Promise<void> {
  const first = await start(t, request);
  const { birth } = await COUNTER.observe(first.pid);
  const { name } = await ownSnapshot(t);
  const second = await start(t, request);
  await assertAlive(t, second.pid, birth);
  assertInStep(t, second.pid);
  await assertAlive(t, first.pid, birth);
  assertInStep(t, first.pid);
  t.is((await listed(t)).length, 1, 'one is enough');
  for (const { id } of [first, second]) await remove(t, id);
  await succeed(t, 'rm', name);
}

test.serial('a line in the log', async (t) => {
  await assertWarm(t, { when: 'log:it is ready' });
});

test.serial('a port that listens', async (t) => {
  const args = counterAfter('sleep 0.2; /usr/bin/busybox nc -l -p 4711 & sleep 0.1');
  await assertWarm(t, { when: 'port:4711', args });
});

test.serial('a file that appears, behind a symbolic link', async (t) => {
  const args = counterAfter(
    'busybox mkdir /run /var; busybox ln -s /run /var/run; sleep 0.1; echo > /run/ready; sleep 0.1',
  );
  await assertWarm(t, { when: 'file:/var/run/ready', args });
});

/** Starts a counter whose file lies where nothing answers; resolves when it is looked for. */
async function startSlow(t: ExecutionContext) {
  const script = ['/slow-fuse', '/bin/sh', '/counter.sh'];
  const mount = `type=bind,src=${await slowFuse()},dst=/slow-fuse,options=rbind:ro`;
  const flags = ['--mount', mount, '--device', '/dev/fuse', '--cap-add', 'CAP_SYS_ADMIN'];
  const started = await start(t, { when: 'file:/slow/file', args: script, flags });
  const root = `/proc/${String(started.pid)}/root`;
  await until('a look', () => Promise.resolve(existsSync(`${root}/asked`)));
  return { ...started, root };
}

test.serial('a file on a file system that does not answer holds nobody', async (t) => {
  const { id, pid, root } = await startSlow(t);
  const { birth } = await COUNTER.observe(pid);
  await daemon().ctr(['tasks', 'exec', '--exec-id', 'one', id, '/bin/true']);
  writeFileSync(`${root}/answer`, '');
  await logged(t, id, /no snapshot for later starts.*serves a FUSE file system/);
  await assertAlive(t, pid, birth);
  const other = await startSlow(t);
  await remove(t, other.id);
  await until('the look to end', async () => (await findByArgument(other.root)).length === 0);
  await remove(t, id);
});

test.serial('output goes where it went, on a FIFO and a terminal, too', async (t) => {
  const request = requestOf(t, { when: 'log:it is ready' });
  const plain = await start(t, { when: 'log:it is ready' });
  await ownSnapshot(t);
  await says(t, plain.id, /^not yet\nit is ready, [0-9a-f-]+\n/);
  const tasks = await openTasks(t);
  // ctr takes an argument that begins with a dash for its own.
  const script = join(daemon().directory, 'script.sh');
  writeFileSync(script, counterAfter('echo "it is ready"')[2] ?? '');
  const mount = `type=bind,src=${script},dst=/script.sh,options=rbind:ro`;
  for (const [index, terminal] of [false, true].entries()) {
    const id = containerId(t, 'piped');
    const flags = [...request.flags, '--mount', mount, ...(terminal ? ['--tty'] : [])];
    const args = ['/bin/sh', '/script.sh'];
    await createContainer(daemon(), { id, image: COUNTER.image, args, flags });
    const streams = await Streams.open(t, id);
    const { stdin, stdout, stderr } = streams.stdio;
    const stdio = terminal ? { stdin, stdout, terminal } : { stdin, stdout, stderr };
    const pid = await tasks.begin(id, stdio);
    await streams.waitFor('stdout', (text) => /it is ready\r?\n/.test(text));
    const { birth } = await COUNTER.observe(pid);
    await until('its snapshot', async () => (await ownSnapshots(t)).length === index + 2);
    await assertAlive(t, pid, birth);
    await remove(t, id);
  }
  await remove(t, plain.id);
  await succeed(t, 'rm', ...(await listed(t)).map(({ id }) => id));
});

test.serial('another command, annotation or pod starts cold', async (t) => {
  const first = await start(t, { when: 'log:it is ready' });
  const { birth } = await COUNTER.observe(first.pid);
  await ownSnapshot(t);
  const others = [
    { when: 'log:is ready' },
    { when: 'log:it is ready', args: counterAfter('echo it is ready') },
    {
      when: 'log:it is ready',
      flags: ['--annotation', 'io.kubernetes.cri.sandbox-namespace=other'],
    },
    { when: 'log:it is ready', flags: ['--cwd', '/usr'] },
  ];
  for (const [index, other] of others.entries()) {
    const { id, pid } = await start(t, other);
    t.not((await COUNTER.observe(pid)).birth, birth, other.when);
    await until('one more', async () => (await ownSnapshots(t)).length === index + 2);
    await remove(t, id);
  }
  await remove(t, first.id);
  await succeed(t, 'rm', ...(await listed(t)).map(({ id }) => id));
});

test.serial('one that cannot be restored means a cold start', async (t) => {
  const request = { when: 'log:it is ready' };
  const first = await start(t, request);
  const { birth } = await COUNTER.observe(first.pid);
  const { name } = await ownSnapshot(t);
  const hook = ['mvas.clone.hook=exit 7', 'mvas.clone.hook.required=true'];
  const flags = hook.flatMap((one) => ['--annotation', one]);
  const second = await start(t, { ...request, flags });
  t.not((await COUNTER.observe(second.pid)).birth, birth);
  assertInStep(t, second.pid);
  await says(t, second.id, /^not yet\nit is ready, [0-9a-f-]+\n/);
  await logged(t, second.id, /its own snapshot cannot be restored, so it starts cold.*status 7/);
  for (const { id } of [first, second]) await remove(t, id);
  await succeed(t, 'rm', name);
});

test.serial('one that cannot be restored means a cold start with a terminal, too', async (t) => {
  const tasks = await openTasks(t);
  const begun = async (hook: readonly string[]) => {
    const request = requestOf(t, {
      when: 'file:/ready',
      args: ['/bin/sh'],
      flags: ['--tty', ...hook],
    });
    await createContainer(daemon(), request);
    const streams = await Streams.open(t, request.id);
    const { stdin, stdout } = streams.stdio;
    const pid = await tasks.begin(request.id, { stdin, stdout, terminal: true });
    return { ...request, streams, pid };
  };
  /** What a shell at a terminal answers to a question about itself. */
  const ask = async ({ streams }: { readonly streams: Streams }, word: string) => {
    await streams.write(`echo "<$${word}>"; echo > /ready\n`);
    const answer = /\r\n<(.*)>\r\n/;
    return answer.exec(await streams.waitFor('stdout', (text) => answer.test(text)))?.[1];
  };
  const first = await begun([]);
  await first.streams.write('mine=x\n');
  t.is(await ask(first, 'mine'), 'x');
  const { name } = await ownSnapshot(t);
  const warm = await begun([]);
  t.is(await ask(warm, 'mine'), 'x');
  const hooks = ['mvas.clone.hook=exit 7', 'mvas.clone.hook.required=true'];
  const cold = await begun(hooks.flatMap((one) => ['--annotation', one]));
  await logged(t, cold.id, /its own snapshot cannot be restored, so it starts cold.*status 7/);
  t.is(await ask(cold, 'mine'), '');
  for (const { id } of [first, warm, cold]) await remove(t, id);
  await succeed(t, 'rm', name);
});

/** Asserts that a snapshot from which starts fail is taken anew after some of them. */
async function assertReplaced(
  t: ExecutionContext,
  request: Start,
  spoil: (snapshot: Listed, pid: number) => void,
): Promise<void> {
  const first = await start(t, request);
  const { birth } = await COUNTER.observe(first.pid);
  const spoilt = await ownSnapshot(t);
  spoil(spoilt, first.pid);
  const started = [first];
  for (let failures = 1; failures <= 3; failures += 1) {
    const cold = await start(t, request);
    t.not((await COUNTER.observe(cold.pid)).birth, birth);
    await logged(t, cold.id, /so it starts cold/);
    t.is((await ownSnapshot(t)).id, spoilt.id);
    started.push(cold);
  }
  const next = await start(t, request);
  const { birth: later } = await COUNTER.observe(next.pid);
  await logged(t, next.id, /starts from its own snapshot have failed, so it is taken anew/);
  const isNew = async () => (await ownSnapshots(t)).find(({ id }) => id !== spoilt.id);
  const taken = await until('another snapshot', isNew);
  t.is(taken.name, spoilt.name);
  const warm = await start(t, request);
  await assertAlive(t, warm.pid, later);
  for (const { id } of [...started, next, warm]) await remove(t, id);
  await succeed(t, 'rm', taken.name);
}

test.serial('one whose image is damaged is taken anew', async (t) => {
  await assertReplaced(t, { when: 'log:it is ready' }, ({ id }) => {
    writeFileSync(join(vasRoot(daemon()), id, 'image', 'inventory.img'), 'x');
  });
});

test.serial('one whose files are gone is taken anew', async (t) => {
  const args = counterAfter('echo held > /held; exec 9< /held; echo "it is ready"; sleep 0.1');
  await assertReplaced(t, { when: 'log:it is ready', args }, ({ id }) => {
    const record = join(vasRoot(daemon()), id, 'snapshot.json');
    const { layers } = JSON.parse(readFileSync(record, 'utf8')) as { layers: string[] };
    rmSync(join(layers[0] ?? '', 'held'));
  });
});

test.serial('one that has lost its memory is taken anew', async (t) => {
  const request = { when: 'log:it is ready' };
  const first = await start(t, request);
  const lost = await ownSnapshot(t);
  process.kill(lost.holderPid, 'SIGKILL');
  await until('its loss', async () => (await listed(t))[0]?.state === 'lost');
  const second = await start(t, request);
  const { birth } = await COUNTER.observe(second.pid);
  const { id: taken, name } = await ownSnapshot(t);
  t.not(taken, lost.id);
  t.is(name, lost.name);
  const third = await start(t, request);
  await assertAlive(t, third.pid, birth);
  for (const { id } of [first, second, third]) await remove(t, id);
  await succeed(t, 'rm', name);
});

test.serial('what fails does the container no harm', async (t) => {
  const flags = ['--annotation', 'mvas.checkpoint=refuse'];
  const refused = await start(t, { when: 'log:it is ready', flags });
  const { birth } = await COUNTER.observe(refused.pid);
  await logged(t, refused.id, /no snapshot for later starts.*forbids checkpoints/);
  await assertAlive(t, refused.pid, birth);
  await remove(t, refused.id);
  const waiting = await start(t, { when: 'port:1' });
  await COUNTER.observe(waiting.pid);
  await remove(t, waiting.id);
  t.deepEqual(await listed(t), []);
  await t.throwsAsync(start(t, { when: 'port:0' }), {
    message: /annotation mvas\.snapshot\.when is "port:0", not log:TEXT/,
  });
  t.regex(await failure(t, 'snapshot', 'nobody'), /nobody/);
});

test.serial('a second start of the same container is an ordinary one', async (t) => {
  const { id, pid } = await start(t, { when: 'log:it is ready' });
  const { birth } = await COUNTER.observe(pid);
  const { name } = await ownSnapshot(t);
  await daemon().ctr(['tasks', 'rm', '-f', id]);
  const tasks = await openTasks(t);
  const again = await tasks.begin(id, {});
  const lines = () =>
    readFileSync(`/proc/${String(again)}/root/state`, 'utf8')
      .trimEnd()
      .split('\n');
  await until('another life', () => Promise.resolve(lines().at(-1)?.startsWith(birth) === false));
  await logged(t, id, /starts cold, and no snapshot is taken of it.*written to .* before/);
  await remove(t, id);
  await succeed(t, 'rm', name);
});

leavesNothingBehind();
