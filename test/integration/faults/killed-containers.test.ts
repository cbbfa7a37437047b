// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { asHostPid, ownPid } from '../../../src/common/ids.js';
import {
  cgroupOf,
  freeze,
  isFrozen,
  pidsIn,
  thaw,
  type Cgroup,
} from '../../../src/common/cgroup.js';
import { ShimError } from '../../../src/common/errors.js';
import { hostNamesOf } from '../../../src/common/host-names.js';
import { mountPlacesOf } from '../../../src/common/mount-places.js';
import { checkpoint, listVases, readSpec, removeVas } from '../../../src/criu/index.js';
import { listThreads, readStatus } from '../../../src/criu/procfs/reader.js';
import { until } from '../../helpers/run.js';
import { TargetRun } from '../../helpers/targets-run.js';
import { engine, textOf, Yard } from './harness.js';
import { vasLeftoversInTheEnd } from './leftovers.js';

/**
 * SIGKILLs a container of ten processes with four threads each, or one of its processes, at moments spread at random
 * over a checkpoint. If init dies, the checkpoint soon fails, says why, and leaves nothing; if another process dies,
 * it is tried again, and succeeds. MVAS_KILL_ROUNDS is the number of kills.
 */
const ROUNDS = Number(process.env['MVAS_KILL_ROUNDS'] ?? 20);
/** The engine notices within a tenth of a second; the rest allows for a very busy machine. */
const SOON_MS = 5_000;
const TARGET = { name: 'crowd', needs: [], expect: { kind: 'restore' }, varies: [] } as const;

const yard = new Yard();
const binary = yard.compile('crowd');

test.after.always('nothing is left of any VAS', async (t) => {
  t.deepEqual(await vasLeftoversInTheEnd(yard), []);
  yard.close();
});

/** The result of one round. */
interface Round {
  /** Whether init was killed, not another process. */
  readonly isInit: boolean;
  /** What the checkpoint said; undefined if it succeeded. */
  readonly error: string | undefined;
  /** From the kill to the end of the checkpoint. */
  readonly afterMs: number;
}

test.serial(`${String(ROUNDS)} containers killed at random in their checkpoint`, async (t) => {
  t.timeout(120_000 + ROUNDS * 30_000);
  const undisturbed: number[] = []; // The first rounds take longer: their code has not run yet.
  for (let round = 0; round < 3; round++) {
    undisturbed.push((await killOnce(t, { round, atMs: Infinity })).afterMs);
  }
  const durationMs = Math.min(...undisturbed);
  const rounds: Round[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    rounds.push(await killOnce(t, { round, atMs: Math.random() * durationMs }));
  }
  const failed = rounds.filter(({ error }) => error !== undefined);
  const inits = rounds.filter(({ isInit }) => isInit);
  const slowest = Math.max(...failed.map(({ afterMs }) => afterMs));
  const took = `within ${durationMs.toFixed(0)} ms; it took up to ${slowest.toFixed(0)} ms to say so`;
  t.log(`${String(failed.length)} of ${String(ROUNDS)} were killed ${took}`);
  t.true(failed.length > inits.length / 6, 'kills that come in time');
  for (const { error = '', isInit } of failed) {
    t.true(isInit, `the loss of one process: ${error}`);
    t.regex(error, /^\w+: checkpoint crowd: (it has exited|the container has ended meanwhile)/);
  }
});

/** How one round goes: every third pauses the container, every other one leaves it running. */
interface Wish {
  readonly round: number;
  /** When to kill; Infinity means never. */
  readonly atMs: number;
}

function leavesRunning({ round }: Wish): boolean {
  return round % 2 === 0;
}

/** Starts a container, and kills it while it is checkpointed. */
async function killOnce(t: ExecutionContext, wish: Wish): Promise<Round> {
  const run = new TargetRun(TARGET, engine, binary);
  let cgroup: Cgroup | undefined;
  try {
    t.is(await run.start(), 'READY');
    const initPid = await run.initPid();
    cgroup = cgroupOf(asHostPid(initPid));
    if (!cgroup) throw new ShimError('internal', 'the container has no cgroup');
    const wasFrozen = wish.round % 3 === 2;
    if (wasFrozen) await freeze(cgroup);
    const others = pidsIn(cgroup).filter((pid) => pid !== initPid);
    const victim = (wish.round % 4 > 1 ? others[wish.round % others.length] : undefined) ?? initPid;
    const imagePath = join(run.folder, 'image');
    const work = begin(run, { initPid, imagePath, wish });
    const result = { isInit: victim === initPid, ...(await killIn(work, victim, wish.atMs)) };
    const { error, afterMs } = result;
    t.deepEqual(tracers(), [], 'no tracing process is left');
    if (error !== undefined) {
      t.true(afterMs < SOON_MS, `${afterMs.toFixed(0)} ms: ${error}`);
      t.false(existsSync(imagePath));
      t.deepEqual(await listVases(), []);
      if (result.isInit) await allGone(cgroup);
    } else if (!result.isInit && leavesRunning(wish)) {
      await isUnharmed(t, run, { cgroup, wasFrozen });
    }
    return result;
  } finally {
    for (const { id } of await listVases()) await removeVas(id);
    if (cgroup) thaw(cgroup); // runc does not delete a paused container.
    await run.close(false);
  }
}

/** Begins a checkpoint; resolves with what it says, undefined when it succeeds. */
async function begin(
  run: TargetRun,
  { initPid, imagePath, wish }: { initPid: number; imagePath: string; wish: Wish },
): Promise<string | undefined> {
  const spec = readSpec(run.place.bundle);
  try {
    await checkpoint({
      containerId: 'crowd',
      initPid: asHostPid(initPid),
      imagePath,
      leaveRunning: leavesRunning(wish),
      tmpfsMounts: [],
      spec,
      mountPlaces: mountPlacesOf(spec),
      hostNames: hostNamesOf(spec),
    });
    return undefined;
  } catch (error) {
    return String(error);
  }
}

async function killIn(
  work: Promise<string | undefined>,
  victim: number,
  atMs: number,
): Promise<Omit<Round, 'isInit'>> {
  const begin = performance.now();
  if (!Number.isFinite(atMs)) return { error: await work, afterMs: performance.now() - begin };
  await Promise.race([work, delay(atMs)]);
  const killed = performance.now();
  try {
    process.kill(victim, 'SIGKILL');
  } catch {
    // The checkpoint has ended it.
  }
  return { error: await work, afterMs: performance.now() - killed };
}

/** Waits until a killed container has no processes left; it must not be frozen, or they would stay. */
async function allGone(cgroup: Cgroup): Promise<void> {
  await until('all processes to end', () => Promise.resolve(pidsIn(cgroup).length === 0));
}

/** Asserts that a container is as it was, except for the process that was killed. */
async function isUnharmed(
  t: ExecutionContext,
  run: TargetRun,
  { cgroup, wasFrozen }: { cgroup: Cgroup; wasFrozen: boolean },
): Promise<void> {
  t.is(isFrozen(cgroup), wasFrozen);
  thaw(cgroup);
  t.deepEqual(
    pidsIn(cgroup).filter((pid) => readStatus(pid).tracerPid !== 0),
    [],
  );
  t.is(await run.go(), 'PASS');
}

/** Our tracing processes. */
function tracers(): number[] {
  return listThreads(ownPid())
    .flatMap((tid) => textOf(`/proc/self/task/${String(tid)}/children`).split(' '))
    .map(Number)
    .filter((pid) => textOf(`/proc/${String(pid)}/comm`) === 'mvas-tracer\n');
}
