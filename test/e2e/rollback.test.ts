// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createContainer, runContainer, taskOf } from '../helpers/containers.js';
import { EventLog } from '../helpers/event-log.js';
import { copyLocker, isLocked, lockerCount } from '../helpers/locker.js';
import { mvas } from '../helpers/mvas-command.js';
import { until } from '../helpers/run.js';
import { COUNTER, LINE_NUMBERS } from '../helpers/workloads/counter.js';
import { containerId, daemon, leavesNothingBehind, remove, useContainerd } from './context.js';
import { assertAlive, assertInStep, begin, failure, succeed } from './counters.js';
import { openTasks, Streams } from './streams.js';

useContainerd([COUNTER.archive], { hasAllHeirs: true });

/** What `mvas rollback --json` prints. */
interface Done {
  readonly snapshot: string;
  readonly pid: number;
  readonly standstillMs: number;
}

async function rollBack(t: ExecutionContext, ...args: readonly string[]): Promise<Done> {
  return JSON.parse(await succeed(t, 'rollback', '--json', ...args)) as Done;
}

/** What a container has to keep. */
function placeOf(pid: number) {
  const links = ['net', 'cgroup'].map((name) => readlinkSync(`/proc/${String(pid)}/ns/${name}`));
  return { links, cgroups: readFileSync(`/proc/${String(pid)}/cgroup`, 'utf8') };
}

function rootOf(pid: number, path: string): string {
  return join(`/proc/${String(pid)}/root`, path);
}

async function shell(id: string, script: string): Promise<string> {
  const exec = ['tasks', 'exec', '--exec-id', daemon().uniqueId('x'), id];
  return await daemon().ctr([...exec, '/bin/sh', '-c', script]);
}

/** Whether runc is making the surroundings of a rollback. */
function hasDonor(id: string): boolean {
  return existsSync(`/run/containerd/runc/${daemon().namespace}/${id}.mvas-rollback`);
}

/** Directories of our own that are left in containerd's snapshots. */
function leftDirectories(): string[] {
  const snapshots = join(daemon().directory, 'root');
  const all = readdirSync(snapshots, { recursive: true, encoding: 'utf8' });
  return all.filter((path) => path.includes('.mvas-'));
}

test.serial('a container goes back to its last snapshot, in place, again and again', async (t) => {
  const { id, pid } = await begin(t);
  const place = placeOf(pid);
  const { birth } = await COUNTER.observe(pid);
  await shell(id, 'mkdir /d; echo kept > /d/a; echo old > /d/b');
  await succeed(t, 'snapshot', '--name', 'early', id);
  const snapshot = await succeed(t, 'snapshot', '--name', 'last', id);
  const events = await EventLog.open(daemon());
  t.teardown(() => {
    events.close();
  });
  for (const round of [1, 2, 3]) {
    await shell(id, 'rm /d/a; echo new > /d/b; echo more > /d/c; rm /bin/tail; chmod 700 /');
    const done = await rollBack(t, id);
    t.is(done.snapshot, snapshot);
    t.log(`round ${String(round)}: ${String(done.standstillMs)} ms`);
    t.like(await taskOf(daemon(), id), { pid: done.pid, status: 'RUNNING' });
    t.deepEqual(placeOf(done.pid), place);
    await assertAlive(t, done.pid, birth);
    assertInStep(t, done.pid);
    t.is(readFileSync(rootOf(done.pid, 'd/a'), 'utf8'), 'kept\n');
    t.is(readFileSync(rootOf(done.pid, 'd/b'), 'utf8'), 'old\n');
    t.false(existsSync(rootOf(done.pid, 'd/c')));
    t.true((await shell(id, 'tail -n 1 /state')).startsWith(birth));
  }
  const own = events.events.filter(({ fields }) => fields['container_id'] === id);
  t.deepEqual(
    own.filter(({ topic, fields }) => topic === '/tasks/exit' && fields['id'] === id),
    [],
  );
  t.is((await rollBack(t, id, 'early')).snapshot.length, 32);
  t.deepEqual(leftDirectories(), []);
  await succeed(t, 'rm', 'early', 'last');
  await remove(t, id);
});

test.serial('a container that has been rolled back begins from its files', async (t) => {
  const { id } = await begin(t);
  await shell(id, 'echo old > /x');
  await succeed(t, 'snapshot', '--name', 'files', id);
  await shell(id, 'echo new > /x');
  await succeed(t, 'rollback', id);
  await succeed(t, 'rm', 'files');
  await daemon().ctr(['tasks', 'rm', '-f', id]);
  const tasks = await openTasks(t);
  const pid = await tasks.begin(id, {});
  await COUNTER.observe(pid);
  t.is(readFileSync(rootOf(pid, 'x'), 'utf8'), 'old\n');
  await remove(t, id);
});

test.serial('streams go on, and who waits for the end hears only of the last one', async (t) => {
  const tasks = await openTasks(t);
  const id = containerId(t, 'lines');
  await createContainer(daemon(), { id, image: COUNTER.image, args: LINE_NUMBERS });
  const streams = await Streams.open(t, id);
  await tasks.begin(id, streams.stdio);
  const ended = tasks.wait(id);
  await streams.write('one\n');
  await streams.expect(t, 'stdout', '1 one\n');
  await streams.expect(t, 'stderr', 'line 1\n');
  await succeed(t, 'snapshot', '--name', 'lines', id);
  for (const word of ['two', 'zwei']) {
    await streams.write(`${word}\n`);
    await streams.expect(t, 'stdout', `2 ${word}\n`);
    await streams.expect(t, 'stderr', 'line 2\n');
    await succeed(t, 'rollback', id);
  }
  await tasks.closeStdin(id);
  await streams.closeStdin();
  t.is(await ended, 1, 'it has read one line');
  await succeed(t, 'rm', 'lines');
  await streams.close();
  await remove(t, id);
});

test.serial('a terminal goes on with its size', async (t) => {
  const tasks = await openTasks(t);
  const id = containerId(t, 'tty');
  const request = { id, image: COUNTER.image, args: ['/bin/sh', '-i'], flags: ['--tty'] };
  await createContainer(daemon(), request);
  const streams = await Streams.open(t, id);
  const { stdin, stdout } = streams.stdio;
  await tasks.begin(id, { stdin, stdout, terminal: true });
  await streams.match('stdout', /# /);
  await streams.write('answer=42\n');
  await streams.match('stdout', /42\r\n[^]*# /);
  await succeed(t, 'snapshot', '--name', 'tty', id);
  await tasks.resize(id, 120, 45);
  await streams.write('answer=43\n');
  await streams.match('stdout', /43\r\n[^]*# /);
  await succeed(t, 'rollback', id);
  await streams.write('echo is $answer; stty size\n');
  await streams.match('stdout', /is 42\r\n45 120\r\n/);
  await succeed(t, 'rm', 'tty');
  await streams.close();
  await remove(t, id);
});

test.serial('a clone goes back to where it began', async (t) => {
  const { id, pid } = await begin(t);
  const { birth } = await COUNTER.observe(pid);
  await succeed(t, 'snapshot', '--name', 'root', id);
  const clone = `${id}-clone`;
  await succeed(t, 'fork', '--name', clone, 'root');
  await shell(clone, 'echo try > /attempt');
  const done = await rollBack(t, clone);
  await assertAlive(t, done.pid, birth);
  assertInStep(t, done.pid);
  t.false(existsSync(rootOf(done.pid, 'attempt')));
  await shell(clone, 'echo try > /attempt');
  await succeed(t, 'snapshot', '--name', 'better', clone);
  await shell(clone, 'echo worse > /attempt');
  const better = await rollBack(t, clone);
  t.is(readFileSync(rootOf(better.pid, 'attempt'), 'utf8'), 'try\n');
  assertInStep(t, better.pid);
  t.regex(
    await failure(t, 'rollback', id, 'better'),
    /is of container .*-clone; remedy: .*mvas fork/,
  );
  for (const one of [clone, id]) await remove(t, one);
  await succeed(t, 'rm', 'better', 'root');
});

test.serial('the root filesystem stays as it is on request', async (t) => {
  const { id, pid } = await begin(t);
  const { birth } = await COUNTER.observe(pid);
  await succeed(t, 'snapshot', '--name', 'bare', '--no-rootfs', id);
  await shell(id, 'echo later > /later');
  t.regex(await failure(t, 'rollback', id), /has no files; remedy: .*--no-rootfs/);
  await assertAlive(t, pid, birth);
  const done = await rollBack(t, '--no-rootfs', id);
  await assertAlive(t, done.pid, birth);
  t.is(readFileSync(rootOf(done.pid, 'later'), 'utf8'), 'later\n');
  await succeed(t, 'rm', 'bare');
  await remove(t, id);
});

test.serial('what cannot be rolled back is refused, and runs on', async (t) => {
  const { id, pid } = await begin(t);
  const { birth } = await COUNTER.observe(pid);
  t.regex(await failure(t, 'rollback', id), /has no snapshot; remedy: .*mvas snapshot/);
  t.regex(await failure(t, 'rollback', id, 'no-such'), /no snapshot 'no-such'/);
  t.regex(await failure(t, 'rollback', 'nobody'), /no container or snapshot nobody/);
  await succeed(t, 'snapshot', '--name', 'some', id);
  const both = await Promise.all([mvas(daemon(), 'rollback', id), mvas(daemon(), 'rollback', id)]);
  const failed = both.filter(({ code }) => code !== 0);
  for (const { stderr } of failed) t.regex(stderr, /being checkpointed or rolled back; remedy: /);
  t.true(failed.length < 2);
  await daemon().ctr(['tasks', 'pause', id]);
  t.regex(await failure(t, 'rollback', id), /cannot roll back task .*: it is paused/);
  await daemon().ctr(['tasks', 'resume', id]);
  await assertAlive(t, (await taskOf(daemon(), id)).pid, birth);
  await daemon().ctr(['tasks', 'kill', '--signal', 'KILL', id]);
  await until('its end', async () => (await taskOf(daemon(), id)).status === 'STOPPED');
  t.regex(await failure(t, 'rollback', id), /is not running/);
  t.not(pid, 0);
  await succeed(t, 'rm', 'some');
  await remove(t, id);
});

test.serial('a rollback that fails leaves the container as it was', async (t) => {
  const source = join(daemon().directory, 'source');
  mkdirSync(source);
  const flags = ['--mount', `type=bind,src=${source},dst=/volume,options=rbind`];
  const { id, pid } = await begin(t, { flags });
  const { birth } = await COUNTER.observe(pid);
  await succeed(t, 'snapshot', '--name', 'volume', id);
  rmdirSync(source);
  t.regex(await failure(t, 'rollback', id), /source/);
  t.is((await taskOf(daemon(), id)).pid, pid);
  await assertAlive(t, pid, birth);
  t.deepEqual(leftDirectories(), []);
  mkdirSync(source);
  await assertAlive(t, (await rollBack(t, id)).pid, birth);
  await succeed(t, 'rm', 'volume');
  await remove(t, id);
});

/** Kills a container while it is rolled back, once the donor is there or at once; returns whether the rollback was still under way. */
async function killMeanwhile(t: ExecutionContext, isLate: boolean): Promise<boolean> {
  const { id, pid } = await begin(t);
  await succeed(t, 'snapshot', '--name', 'killed', id);
  let isOver = false;
  const rollback = mvas(daemon(), 'rollback', id).finally(() => (isOver = true));
  const isSeen = () => Promise.resolve(hasDonor(id) || isOver);
  if (isLate) await until('the donor', isSeen, { everyMs: 1 });
  const isMeanwhile = !isOver;
  await daemon().ctr(['tasks', 'kill', '--signal', 'KILL', id]);
  const { code, stderr } = await rollback;
  if (code !== 0) t.regex(stderr, /killed or has exited meanwhile|is not running|is stopped/);
  await until('its end', async () => (await taskOf(daemon(), id)).status === 'STOPPED');
  t.false(existsSync(`/proc/${String(pid)}`));
  await succeed(t, 'rm', 'killed');
  await remove(t, id);
  return isMeanwhile;
}

test.serial('a container that is killed meanwhile ends', async (t) => {
  t.true(await killMeanwhile(t, false));
  // On a busy machine the donor may come and go between two looks.
  let isMeanwhile = false;
  for (let tries = 5; tries > 0 && !isMeanwhile; tries--) {
    isMeanwhile = await killMeanwhile(t, true);
  }
  t.true(isMeanwhile, 'killed when there was a donor');
});

test.serial('a lock on a mapped file of a volume is free for who comes back', async (t) => {
  const volume = join(daemon().directory, 'locked');
  mkdirSync(volume);
  await copyLocker(join(volume, 'locker'));
  const file = join(volume, 'file');
  const id = containerId(t, 'locker');
  const flags = ['--mount', `type=bind,src=${volume},dst=/volume,options=rbind`];
  const args = ['/volume/locker', '/volume/file', '64'];
  await runContainer(daemon(), { id, image: COUNTER.image, flags, args });
  await until('the lock', () => Promise.resolve(lockerCount(file) > 0));
  await succeed(t, 'snapshot', '--name', 'locked', id);
  for (const round of [1, 2]) {
    t.log(`round ${String(round)}: ${String((await rollBack(t, id)).standstillMs)} ms`);
    t.true(await isLocked(file));
    const before = lockerCount(file);
    await until('it to go on', () => Promise.resolve(lockerCount(file) > before));
  }
  await succeed(t, 'rm', 'locked');
  await remove(t, id);
});

test.serial('a container sees the cgroups that it stays in', async (t) => {
  const options = 'ro:nosuid:noexec:nodev';
  const flags = ['--mount', `type=cgroup,src=cgroup,dst=/sys/fs/cgroup,options=${options}`];
  const { id } = await begin(t, { flags });
  const look = 'cd /sys/fs/cgroup; for f in . */; do echo $f; tail -n 1 $f/cgroup.procs; done 2>&1';
  const places = async () => (await shell(id, look)).replaceAll(/^\d+$/gm, 'pid');
  const before = await places();
  await succeed(t, 'snapshot', '--name', 'cgroups', id);
  await rollBack(t, id);
  t.is(await places(), before);
  await succeed(t, 'rm', 'cgroups');
  await remove(t, id);
});

test.serial('a container of a shared pid namespace goes on, and is not rolled back', async (t) => {
  const pod = await begin(t);
  const id = containerId(t, 'member');
  const flags = ['--with-ns', `pid:/proc/${String(pod.pid)}/ns/pid`];
  const pid = await runContainer(daemon(), { id, image: COUNTER.image, flags });
  const { birth } = await COUNTER.observe(pid);
  await succeed(t, 'snapshot', '--name', 'shared', id);
  const why =
    /shares a pid namespace cannot be rolled back in place, since its present processes have the ids/;
  t.regex(await failure(t, 'rollback', id), why);
  await assertAlive(t, pid, birth);
  await remove(t, id);
  await remove(t, pod.id);
  // As the message says. The pod makes no processes, which would take the ids.
  const [otherPod, clone] = [containerId(t, 'pod'), containerId(t, 'clone')];
  const pause = { image: COUNTER.image, args: ['/bin/sleep', '1000'] };
  const other = await runContainer(daemon(), { id: otherPod, ...pause });
  const namespace = ['--with-ns', `pid:/proc/${String(other)}/ns/pid`];
  const again = await runContainer(daemon(), {
    ...{ id: clone, image: COUNTER.image },
    flags: [...namespace, '--annotation', 'mvas.restore=shared'],
  });
  await assertAlive(t, again, birth);
  await remove(t, clone);
  await remove(t, otherPod);
  await succeed(t, 'rm', 'shared');
});

leavesNothingBehind();
