// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { removeVas, vasesOf, vasRoot } from '../helpers/containerd-cleanup.js';
import { runContainer, taskOf } from '../helpers/containers.js';
import { until } from '../helpers/run.js';
import { COUNTER } from '../helpers/workloads/counter.js';
import {
  IS_RUNC,
  containerId,
  daemon,
  leavesNothingBehind,
  remove,
  useContainerd,
} from './context.js';

/**
 * Kills a container, or one of its processes, at moments spread at random over `ctr tasks checkpoint`. If init dies,
 * the checkpoint soon fails and leaves nothing; if another process dies, it succeeds. MVAS_KILL_ROUNDS is the number
 * of kills of each kind.
 */
const ROUNDS = Number(process.env['MVAS_KILL_ROUNDS'] ?? 4);
/** How often a kill may come too late. */
const MOST_ROUNDS = Math.max(ROUNDS, 20);
/** An engine that is told takes a tenth of a second; the rest allows for a very busy machine. */
const SOON_MS = 5_000;
const WORKERS = 5;
const WORK = 'while :; do sleep 0.05; done';
const CROWD = `i=0; while [ $i -lt ${String(WORKERS)} ]; do (${WORK}) & i=$((i + 1)); done; ${WORK}`;
const LIMIT = ['--memory-limit', String(48 * 1024 * 1024)];
/** Joins the memory cgroup whose list of processes it is given, and uses more memory than there is. */
const GREEDY = 'echo $$ > "$0"; x=0123456789abcdef; while :; do x=$x$x; done';

useContainerd([COUNTER.archive]);

/** One way to kill a container or a process of it. */
interface Way {
  readonly name: string;
  /** Whether init lives on. */
  readonly initLives: boolean;
  readonly kill: (id: string, initPid: number) => unknown;
}

const WAYS: readonly Way[] = [
  {
    name: 'SIGKILL of init from the host',
    initLives: false,
    kill: (_, pid) => process.kill(pid, 'SIGKILL'),
  },
  {
    name: 'ctr tasks kill',
    initLives: false,
    kill: (id) => daemon().tryCtr(['tasks', 'kill', '-s', 'KILL', id]),
  },
  {
    name: 'the OOM killer',
    initLives: false,
    kill: exhaustMemory,
  },
  {
    name: 'SIGKILL of a child from the host',
    initLives: true,
    kill: (_, pid) => process.kill(workersOf(pid)[2] ?? 0, 'SIGKILL'),
  },
];

for (const way of IS_RUNC ? [] : WAYS) {
  test.serial(`checkpoints of containers that ${way.name} meets`, async (t) => {
    t.timeout(120_000 + MOST_ROUNDS * 30_000);
    // The OOM killer takes its time, and may come too late each time.
    const mustFail = !way.initLives && way.kill !== exhaustMemory;
    const most = mustFail ? MOST_ROUNDS : ROUNDS;
    let { engineMs: withinMs } = await meet(t);
    let failures = 0;
    let count = 0;
    for (; count < ROUNDS || (failures === 0 && count < most); count++) {
      const atMs = Math.random() * withinMs;
      const { isFailed } = await meet(t, way, atMs);
      if (isFailed) failures += 1;
      else if (mustFail && failures === 0) withinMs = atMs; // Too late: checkpoints differ in how long they take.
    }
    t.log(
      `${String(failures)} of ${String(count)} failed, killed within ${withinMs.toFixed(0)} ms`,
    );
    if (way.initLives) t.is(failures, 0);
    if (mustFail) t.true(failures > 0);
  });
}

/** One container, which is killed a given time after the engine has begun its checkpoint. */
async function meet(t: ExecutionContext, way?: Way, atMs = 0) {
  const id = containerId(t, 'crowd');
  const args = ['sh', '-c', CROWD];
  const pid = await runContainer(daemon(), { id, image: COUNTER.image, args, flags: LIMIT });
  await until('the crowd', () => Promise.resolve(workersOf(pid).length >= WORKERS));
  const work = daemon().tryCtr(['tasks', 'checkpoint', id]);
  const engineMs = await engineAtWork(atMs, way === undefined);
  const killed = performance.now();
  const killing = way?.kill(id, pid);
  const { code, stdout, stderr } = await work;
  const afterMs = performance.now() - killed;
  await killing;
  const isFailed = code !== 0;
  if (isFailed) {
    t.true(afterMs < SOON_MS, `${afterMs.toFixed(0)} ms: ${stderr}`);
    t.regex(stderr, /(ended|exited|killed) meanwhile|it (has exited|is stopped)|not found/);
  } else {
    await daemon().ctr(['images', 'rm', '--sync', stdout.trim().split('\n').at(-1) ?? '']);
  }
  const expected = isFailed ? 0 : 1; // One that was made in advance goes when its container has ended.
  const vases = await until(
    `${String(expected)} VASes: ${stderr}`,
    async () => {
      const found = await vasesOf(daemon());
      return found.length === expected && found;
    },
    { timeoutMs: SOON_MS },
  );
  for (const vas of vases) await removeVas(daemon(), vas);
  const status = (way?.initLives ?? true) ? 'RUNNING' : 'STOPPED';
  await until(`${id} to be ${status}`, async () => (await taskOf(daemon(), id)).status === status);
  await remove(t, id);
  return { isFailed, engineMs };
}

/**
 * Waits until the engine has begun, and then for some time or for its end; returns the milliseconds from its
 * beginning. A VAS has a record once its checkpoint is complete.
 */
async function engineAtWork(ms: number, toTheEnd: boolean): Promise<number> {
  const vas = await until('a VAS', async () => (await vasesOf(daemon()))[0], { everyMs: 1 });
  const begin = performance.now();
  const record = join(vasRoot(daemon()), vas, 'vas.json');
  const isComplete = () => Promise.resolve(existsSync(record));
  if (toTheEnd) await until('the engine to be done', isComplete, { everyMs: 1 });
  else await delay(ms);
  return performance.now() - begin;
}

/** Pids of the children of init that last. */
function workersOf(initPid: number): number[] {
  const tid = String(initPid);
  const children = readFileSync(`/proc/${tid}/task/${tid}/children`, 'utf8').split(' ');
  return children.filter(Boolean).map(Number).slice(0, WORKERS);
}

/** Makes the kernel kill init, because another process in its cgroup exhausts the container's memory. */
async function exhaustMemory(_: string, initPid: number): Promise<void> {
  const cgroups = readFileSync(`/proc/${String(initPid)}/cgroup`, 'utf8');
  const path = /^\d+:memory:(.*)$/m.exec(cgroups)?.[1] ?? '';
  writeFileSync(`/proc/${String(initPid)}/oom_score_adj`, '1000');
  const procs = join('/sys/fs/cgroup/memory', path, 'cgroup.procs');
  const greedy = spawn('busybox', ['sh', '-c', GREEDY, procs], { stdio: 'ignore' });
  const exit = once(greedy, 'exit');
  await until('init to be killed', () => Promise.resolve(!existsSync(`/proc/${String(initPid)}`)));
  greedy.kill('SIGKILL');
  await exit;
}

leavesNothingBehind();
