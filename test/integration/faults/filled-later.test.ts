// SPDX-License-Identifier: Apache-2.0
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { freeze, isFrozen, thaw } from '../../../src/common/cgroup.js';
import { hostNamesOf } from '../../../src/common/host-names.js';
import { asHostPid, asHostTid, type VasId } from '../../../src/common/ids.js';
import { Mutex } from '../../../src/common/mutex.js';
import { mountPlacesOf } from '../../../src/common/mount-places.js';
import {
  checkpoint,
  inspectVas,
  readSpec,
  type CheckpointResult,
} from '../../../src/criu/index.js';
import { readComm } from '../../../src/criu/procfs/reader.js';
import { until } from '../../helpers/run.js';
import { differences } from '../../helpers/targets-view.js';
import { Counter, isOurMemory, listed, mvas, textOf, Yard } from './harness.js';
import { childrenOf, vasLeftoversInTheEnd } from './leftovers.js';

/* Checkpoints that answer once their container runs again; their VASes are filled afterwards. */

const MEGABYTES = 100;
const yard = new Yard();
/** As in the shim, nothing else stops a container while it is checkpointed, or reaps its twins. */
const turns = new Mutex();

test.after.always('nothing is left of any VAS', async (t) => {
  t.deepEqual(await vasLeftoversInTheEnd(yard), []);
  yard.close();
});

test.serial('the container runs, and a restore waits for the memory', async (t) => {
  const counter = await startCounter(t);
  const before = await counter.run.view();
  const begun = await begin(counter);
  const { result } = begun;
  t.false(isComplete(result.vasId), 'answered before its memory is there');
  await counter.countsOn();
  await result.filled;
  t.true(isComplete(result.vasId));
  t.is((await inspectVas(result.vasId)).state, 'complete');
  t.deepEqual(differences(before, await counter.run.view(), []), [], 'nothing is left in it');
  await restoreAndEnd(t, counter, begun);
});

test.serial('a container that is killed meanwhile does not take its memory along', async (t) => {
  const counter = await startCounter(t);
  const pid = await counter.run.initPid(); // While that is asked for, all might be copied.
  const begun = await begin(counter);
  const { result } = begun;
  process.kill(pid, 'SIGKILL');
  t.false(isComplete(result.vasId), 'it is killed before its memory is copied');
  await result.filled;
  await restoreAndEnd(t, counter, begun);
});

test.serial('a restore that comes early waits', async (t) => {
  const counter = await startCounter(t);
  const copy = new Counter(yard, MEGABYTES);
  t.teardown(() => copy.close(!t.passed));
  const { imagePath, result, count } = await begin(counter);
  copy.makeFile(count);
  const output = openSync('/dev/null', 'w');
  t.teardown(() => {
    closeSync(output);
  });
  const restored = mvas(copy.restoreArgs(imagePath), { output });
  t.false(isComplete(result.vasId));
  t.is((await restored).status, 0, (await restored).stderr);
  t.true(isComplete(result.vasId));
  await t.notThrowsAsync(copy.countsOn());
  await copy.delete();
});

test.serial('a paused container stays paused, and is as it was', async (t) => {
  const counter = await startCounter(t);
  const before = await counter.run.view();
  const cgroup = await counter.cgroup();
  const { result } = await beginPaused(counter);
  t.true(isFrozen(cgroup));
  await result.filled;
  t.true(isFrozen(cgroup));
  thaw(cgroup);
  await counter.countsOn();
  t.deepEqual(differences(before, await counter.run.view(), []), []);
});

test.serial('a failure marks the VAS as broken', async (t) => {
  const counter = await startCounter(t);
  process.env['MVAS_FAULT'] = 'fill';
  t.teardown(() => delete process.env['MVAS_FAULT']);
  const before = await counter.run.view();
  const { imagePath, result } = await begin(counter);
  await t.throwsAsync(result.filled ?? Promise.resolve(), {
    message: /fault injected after stage fill/,
  });
  delete process.env['MVAS_FAULT'];
  t.deepEqual(differences(before, await counter.run.view(), []), []);
  t.like(await listed(), [{ id: result.vasId, state: 'broken' }]);
  const { stderr } = await mvas([...counter.restoreArgs(imagePath).slice(0, -1), 'copy']);
  t.regex(
    stderr,
    /VAS \w+ is broken: fault injected after stage fill; remedy: take a new checkpoint/,
  );
  t.is((await mvas(['rm', result.vasId])).status, 0);
});

test.serial(
  'a second checkpoint does not take the twin for a process of the container',
  async (t) => {
    const counter = await startCounter(t);
    // One turn, so that the twins of the first are not reaped before the second, however fast they are copied.
    const { first, second } = await turns.run(async () => {
      const first = await checkpointAndResume(counter);
      t.true(await hasTwin(counter));
      return { first, second: await checkpointAndResume(counter) };
    });
    await Promise.all([first.result.filled, second.result.filled]);
    await restoreAndEnd(t, counter, second);
  },
);

test.serial('a checkpoint that fails leaves a paused container without twins', async (t) => {
  const counter = await startCounter(t);
  const before = await counter.run.view();
  const cgroup = await counter.cgroup();
  for (const fault of ['inspect', 'conclude', 'copy', 'resume', 'fill']) {
    await freeze(cgroup);
    const args = [...counter.checkpointArgs(counter.newImage()), '--twin', 'always'];
    const { stderr } = await mvas(args, { fault });
    t.regex(stderr, /fault injected/);
    t.true(isFrozen(cgroup));
    thaw(cgroup);
    t.deepEqual(differences(before, await counter.run.view(), []), [], fault);
  }
});

test.serial('a container that is refused while its twin is made goes on without it', async (t) => {
  const counter = await startCounter(t);
  const before = await counter.run.view();
  for (let time = 0; time < 3; time++) {
    const args = [...counter.checkpointArgs(counter.newImage()), '--twin', 'always'];
    const { stderr } = await mvas(args, { fault: 'inspect' });
    t.regex(stderr, /fault injected/);
    await counter.countsOn();
    t.deepEqual(differences(before, await counter.run.view(), []), []);
  }
});

test.serial(
  'a paused container whose engine is killed while its twin is made stays paused',
  async (t) => {
    const counter = await startCounter(t);
    const before = await counter.run.view();
    const cgroup = await counter.cgroup();
    await freeze(cgroup);
    const args = [...counter.checkpointArgs(counter.newImage()), '--twin', 'always'];
    const { status } = await mvas(args, { fault: 'conclude:kill' });
    t.true(status === 137 || status === 255);
    await until('it to be frozen again', () => Promise.resolve(isFrozen(cgroup)));
    thaw(cgroup);
    await counter.countsOn();
    const { stderr, status: next } = await mvas(counter.checkpointArgs(counter.newImage()));
    t.is(next, 0, stderr);
    const problems = differences(before, await counter.run.view(), []);
    t.deepEqual(
      problems.filter((problem) => !isOurMemory(problem)),
      [],
    );
  },
);

for (const stage of ['inspect', 'conclude', 'copy', 'resume', 'fill']) {
  test.serial(`a twin whose engine is killed after stage ${stage} ends, and goes`, async (t) => {
    const counter = await startCounter(t);
    const before = await counter.run.view();
    const args = [...counter.checkpointArgs(counter.newImage()), '--twin', 'always'];
    const { status } = await mvas(args, { fault: `${stage}:kill` });
    t.true(status === 137 || status === 255);
    await counter.countsOn();
    const [init, pid = 0] = await twinsOf(counter);
    await until('the twin to die', () =>
      Promise.resolve(textOf(`/proc/${String(pid)}/maps`) === ''),
    );
    t.not(init, pid);
    const { stderr, status: next } = await mvas(counter.checkpointArgs(counter.newImage()));
    t.is(next, 0, stderr);
    const problems = differences(before, await counter.run.view(), []);
    t.deepEqual(
      problems.filter((problem) => !isOurMemory(problem)),
      [],
    );
  });
}

async function startCounter(t: ExecutionContext): Promise<Counter> {
  t.timeout(120_000);
  const counter = new Counter(yard, MEGABYTES);
  t.teardown(() => counter.close(!t.passed));
  await counter.start();
  return counter;
}

/** A checkpoint that has been answered. */
interface Begun {
  readonly imagePath: string;
  readonly result: CheckpointResult;
  /** What the file of the counter said then. */
  readonly count: bigint;
}

/** Begins a checkpoint of a paused container, by an engine in this process. */
function beginPaused(counter: Counter): Promise<Begun> {
  return turns.run(() => checkpointPaused(counter));
}

/** The same, and lets the container go on. */
function begin(counter: Counter): Promise<Begun> {
  return turns.run(() => checkpointAndResume(counter));
}

/** The same, in the turn of the caller. */
async function checkpointAndResume(counter: Counter): Promise<Begun> {
  const begun = await checkpointPaused(counter);
  thaw(await counter.cgroup());
  return begun;
}

/** Pauses a container and begins its checkpoint. */
async function checkpointPaused(counter: Counter): Promise<Begun> {
  await freeze(await counter.cgroup());
  const imagePath = counter.newImage();
  const spec = readSpec(counter.run.place.bundle);
  const initPid = asHostPid(await counter.run.initPid());
  const result = await checkpoint({
    ...{ spec, imagePath, containerId: counter.id, leaveRunning: true, twin: 'always' },
    ...{ tmpfsMounts: [], mountPlaces: mountPlacesOf(spec), hostNames: hostNamesOf(spec) },
    initPid,
    inTurn: (work) => turns.run(work),
  });
  result.filled?.catch(() => undefined);
  return { imagePath, result, count: counter.count() };
}

async function restoreAndEnd(
  t: ExecutionContext,
  counter: Counter,
  { imagePath, count }: Begun,
): Promise<void> {
  const pid = await counter.run.initPid();
  if (pid !== 0) process.kill(pid, 'SIGKILL');
  await until('it to end', async () => (await counter.run.initPid()) === 0);
  counter.setCount(count);
  await counter.run.restore(imagePath);
  await t.notThrowsAsync(counter.countsOn());
  t.is(await counter.run.go(), 'PASS');
}

function isComplete(id: VasId): boolean {
  const text = readFileSync(join(yard.vasRoot, id, 'vas.json'), 'utf8');
  return (JSON.parse(text) as { readonly isComplete: boolean }).isComplete;
}

/** Pids of a container's init and of its twins. */
async function twinsOf(counter: Counter): Promise<number[]> {
  const init = await counter.run.initPid();
  const isTwin = (pid: number) => readComm(asHostTid(pid)) === 'mvas-twin';
  return [init, ...childrenOf(init).filter(isTwin)];
}

async function hasTwin(counter: Counter): Promise<boolean> {
  return (await twinsOf(counter)).length > 1;
}
