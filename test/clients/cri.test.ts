// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { mvas } from '../helpers/mvas-command.js';
import { findByArgument } from '../helpers/procfs.js';
import { run, until } from '../helpers/run.js';
import { wordsOf } from '../helpers/standbys.js';
import { TELL_COUNT, counting, type Count } from '../helpers/workloads/counter.js';
import { image, leavesNothingBehind, pod, useCri, world } from './cri-context.js';

useCri();

// The handler first: whoever hears of it may end it.
const SAY = ['/bin/sh', '-c', 'trap "exit 3" TERM; echo hello; echo trouble >&2; sleep 100 & wait'];

async function logOf(podName: string, name: string): Promise<string> {
  return await readFile(join(world().containerd.directory, 'logs', podName, `${name}.log`), 'utf8');
}

const life = test.macro(async (t: ExecutionContext, runtime: string) => {
  const { cri } = world();
  const name = `life-${runtime}`;
  const made = await pod(t, name, runtime);
  const id = await cri.create(made, { name: 'say', image: image(), command: SAY });
  t.is((await cri.status(id)).state, 'CONTAINER_CREATED');
  await cri.start(id);
  t.is((await cri.status(id)).state, 'CONTAINER_RUNNING');

  const exec = await cri.exec(id, ['/bin/sh', '-c', 'echo $((6 * 7)); exit 5']);
  t.deepEqual(exec, { stdout: '42\n', code: 5 });
  const log = await until('both lines of the log', async () => {
    const text = await logOf(name, 'say');
    return text.includes('hello') && text.includes('trouble') && text;
  });
  t.regex(log, /^\S+ stdout F hello$/m);
  t.regex(log, /^\S+ stderr F trouble$/m);
  const stats = await cri.stats(id);
  t.true(stats.cpu > 0 && stats.memory > 0, JSON.stringify(stats));

  await cri.stop(id);
  t.like(await cri.status(id), { state: 'CONTAINER_EXITED', exit_code: 3 });
  await cri.remove(id);
});
test.serial('a container of a pod lives, by the name of this shim', life, 'mvas');
test.serial('a container of a pod lives, by the name of containerd’s shim', life, 'dropin');

test.serial('containers of a pod share one daemon', async (t) => {
  const { cri, containerd } = world();
  const made = await pod(t, 'shared', 'mvas');
  const ids: string[] = [];
  for (const name of ['one', 'two']) {
    ids.push(await cri.create(made, { name, image: image(), command: SAY }));
  }
  for (const id of ids) await cri.start(id);
  // Those of other pods may be about to end, and so may forks of this one.
  const isOne = async (): Promise<boolean> => {
    const daemons = (await findByArgument(containerd.address)).filter((pid) =>
      [made.id, ...ids].some((id) => wordsOf(pid, 'cmdline').includes(id)),
    );
    return daemons.length === 1;
  };
  await t.notThrowsAsync(until('one daemon', isOne));
  for (const id of ids) await cri.remove(id);
});

const CAN_CHECKPOINT = / v?2\.\d/.test(execFileSync('containerd', ['--version']).toString());
const checkpoints = CAN_CHECKPOINT ? test.serial : test.serial.skip;
const why = CAN_CHECKPOINT ? '' : ' (containerd before 2.0 has no checkpoints in CRI)';

/** What only the memory of the counter's shell has. */
async function countOf(id: string): Promise<Count> {
  return await counting(async () => (await world().cri.exec(id, TELL_COUNT)).stdout);
}

const checkpointed = test.macro(async (t: ExecutionContext, runtime: string) => {
  const { cri, containerd } = world();
  const first = await pod(t, `first-${runtime}`, runtime);
  const id = await cri.create(first, { name: 'counter', image: image() });
  await cri.start(id);
  const before = await countOf(id);
  const archive = join(containerd.directory, `${runtime}.tar`);
  await cri.checkpoint(id, archive);
  const after = await countOf(id);
  t.is(after.birth, before.birth);
  t.is((await cri.status(id)).state, 'CONTAINER_RUNNING');
  const files = await run('tar', ['-t', '-f', archive]);
  t.regex(files, /^checkpoint\/inventory\.img$/m);

  const second = await pod(t, `second-${runtime}`, runtime);
  const clone = await cri.create(second, { name: 'counter', image: archive });
  await cri.start(clone);
  const restored = await countOf(clone);
  t.is(restored.birth, before.birth);
  t.true(restored.count >= before.count);
  t.like(await cri.exec(clone, ['/bin/echo', 'inside']), { stdout: 'inside\n', code: 0 });
  const { memory } = await cri.stats(clone);
  t.true(memory > 0);
  await cri.stop(clone);
  t.like(await cri.status(clone), { state: 'CONTAINER_EXITED', exit_code: 0 });
  await cri.remove(clone);
  t.is((await cri.status(id)).state, 'CONTAINER_RUNNING');
  await cri.remove(id);
});
checkpoints(
  `a checkpoint becomes a container of another pod, by our name${why}`,
  checkpointed,
  'mvas',
);
checkpoints(`the same by the name of containerd’s shim${why}`, checkpointed, 'dropin');

const NEIGHBOUR = ['/bin/sh', '-c', 'trap "exit 0" TERM; while :; do sleep 0.2; done'];
const SHARED = { shareProcessNamespace: true };
/** Prints the pids of what runs the counter's script, as the container sees them. */
const COUNTERS = `for one in /proc/[0-9]*; do
  line=; read -r line < $one/cmdline
  case "$line" in */counter.sh*) echo "\${one#/proc/}";; esac
done 2>/dev/null; true`;

/** The pid of the counter's shell, as a container sees it; its children have later ones. */
async function counterSeenFrom(id: string): Promise<number> {
  const { stdout } = await world().cri.exec(id, ['/bin/sh', '-c', COUNTERS]);
  return Math.min(...stdout.trim().split('\n').map(Number));
}

checkpoints(
  `a container keeps its pid in another pod with a pid namespace for all${why}`,
  async (t) => {
    const { cri, containerd } = world();
    const first = await pod(t, 'pids-first', 'mvas', SHARED);
    const start = async (where: typeof first, name: string, from = image(), command?: string[]) => {
      const id = await cri.create(where, { name, image: from, ...(command && { command }) });
      await cri.start(id);
      return id;
    };
    const id = await start(first, 'counter');
    const neighbour = await start(first, 'neighbour', image(), NEIGHBOUR);
    const pid = await counterSeenFrom(neighbour);
    t.true(pid > 1 && pid < Infinity, String(pid));
    const before = await countOf(id);
    const archive = join(containerd.directory, 'pids.tar');
    await cri.checkpoint(id, archive);
    t.is((await countOf(id)).birth, before.birth);

    const refused = async (where: typeof first, name: string, message: RegExp) => {
      await t.throwsAsync(start(where, name, archive), { message });
      t.is((await countOf(id)).birth, before.birth);
      t.is(await counterSeenFrom(neighbour), pid, 'nothing else of it is there');
    };
    const taken = new RegExp(
      `id ${String(pid)} of the checkpoint is taken .* by pid ${String(pid)} \\(sh\\)`,
    );
    await refused(first, 'taken', taken);
    await refused(await pod(t, 'pids-own', 'mvas'), 'own', /shared a pid namespace \(as pid \d+\)/);

    const second = await pod(t, 'pids-second', 'mvas', SHARED);
    const clone = await start(second, 'counter', archive);
    const watcher = await start(second, 'neighbour', image(), NEIGHBOUR);
    const restored = await countOf(clone);
    t.is(restored.birth, before.birth);
    t.true(restored.count >= before.count);
    t.is(await counterSeenFrom(watcher), pid);
    t.is(await counterSeenFrom(clone), pid);
    await cri.exec(watcher, ['/bin/sh', '-c', `kill -TERM ${String(pid)}`]);
    const ended = async () => (await cri.status(clone)).state === 'CONTAINER_EXITED';
    await until('the end of the restored one', ended);
    t.is((await cri.status(clone)).exit_code, 0);
    t.is((await cri.status(watcher)).state, 'CONTAINER_RUNNING');
    t.is((await cri.status(id)).state, 'CONTAINER_RUNNING');
  },
);

test.serial(
  'a container of a pod starts from the snapshot that one of its kind has taken',
  async (t) => {
    const { cri, containerd } = world();
    const births: string[] = [];
    for (const name of ['first', 'second']) {
      const made = await pod(t, `when-${name}`, 'mvas');
      const annotations = { 'mvas.snapshot.when': 'file:/state' };
      const id = await cri.create(made, { name: 'counter', image: image(), annotations });
      await cri.start(id);
      births.push((await countOf(id)).birth);
      const lines = (await cri.exec(id, ['/bin/cat', '/state'])).stdout.trimEnd().split('\n');
      const counts = lines.map((line) => Number(line.split(' ')[1]));
      t.deepEqual(
        counts,
        counts.map((_, index) => index + 1),
        'its files are of the same moment',
      );
      await until('its snapshot', async () => {
        const { stdout } = await mvas(containerd, 'ls', '--json');
        const all = JSON.parse(stdout) as { name: string; state: string }[];
        return all.some(({ name: one, state }) => one.startsWith('when-') && state === 'complete');
      });
      await cri.stop(id, 0);
      await cri.remove(id);
    }
    t.is(births[0], births[1]);
    t.is((await mvas(containerd, 'prune', '--keep', '0')).code, 0);
  },
);

leavesNothingBehind();
