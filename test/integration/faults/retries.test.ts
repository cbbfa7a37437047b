// SPDX-License-Identifier: Apache-2.0
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { asHostPid } from '../../../src/common/ids.js';
import { freeze, isFrozen, thaw } from '../../../src/common/cgroup.js';
import { hostNamesOf } from '../../../src/common/host-names.js';
import { enableDebugLog, setLogSink } from '../../../src/common/log.js';
import { mountPlacesOf } from '../../../src/common/mount-places.js';
import {
  checkpoint,
  listVases,
  readSpec,
  type CheckpointRequest,
} from '../../../src/criu/index.js';
import { until } from '../../helpers/run.js';
import { runCommand } from '../../helpers/targets-engine.js';
import { Counter, Yard } from './harness.js';
import { vasLeftoversInTheEnd } from './leftovers.js';

/** Checkpoints that something prevents for a moment. */
const EVER_MS = 600_000;
const PROBES = 20;

const yard = new Yard();
const log: string[] = [];
enableDebugLog();
setLogSink((line) => log.push(line));

test.after.always('nothing is left of any VAS', async (t) => {
  t.deepEqual(await vasLeftoversInTheEnd(yard), []);
  yard.close();
});

/** A counter that runs, and a process from outside in its cgroup. */
async function disturbed(t: ExecutionContext) {
  const counter = new Counter(yard);
  t.teardown(() => counter.close(!t.passed));
  await counter.start();
  const stranger = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore'] });
  t.teardown(() => leave(stranger));
  const { directory } = await counter.cgroup();
  writeFileSync(join(directory, 'cgroup.procs'), String(stranger.pid));
  log.length = 0;
  return { counter, stranger };
}

async function leave(stranger: ChildProcess): Promise<void> {
  if (stranger.exitCode !== null || stranger.signalCode !== null) return;
  const gone = once(stranger, 'exit');
  stranger.kill('SIGKILL');
  await gone;
}

async function requestOf(
  counter: Counter,
  more: Partial<CheckpointRequest>,
): Promise<CheckpointRequest> {
  const spec = readSpec(counter.run.place.bundle);
  return {
    containerId: counter.id,
    initPid: asHostPid(await counter.run.initPid()),
    imagePath: counter.newImage(),
    leaveRunning: true,
    tmpfsMounts: [],
    spec,
    mountPlaces: mountPlacesOf(spec),
    hostNames: hostNamesOf(spec),
    ...more,
  };
}

const hasTried = (): boolean => log.some((line) => line.includes('not now'));

test.serial('what is about to end is waited for, the container running on', async (t) => {
  const { counter, stranger } = await disturbed(t);
  const work = checkpoint(await requestOf(counter, { retryMs: EVER_MS }));
  await until('a try', () => Promise.resolve(hasTried()));
  await counter.countsOn();
  await leave(stranger);
  await work;
  await counter.countsOn();
  t.is(await counter.run.go(), 'PASS');
});

test.serial('what does not end is refused by its exec id, and the time it was tried', async (t) => {
  const { counter, stranger } = await disturbed(t);
  const pid = asHostPid(stranger.pid ?? 0);
  const execs = () => new Map([[pid, 'probe-1']]);
  const request = await requestOf(counter, { retryMs: 100, execs });
  const { message } = await t.throwsAsync(checkpoint(request));
  const who = `^pid ${String(pid)} \\(cat\\): started from outside of the container \\(exec probe-1\\)`;
  t.regex(message, new RegExp(`${who}, .*remedy.* \\(tried \\d+ times in \\d+\\.\\d s\\)$`));
  t.false(existsSync(request.imagePath));
  t.deepEqual(await listVases(), []);
  await counter.countsOn();
  t.is(await counter.run.go(), 'PASS');
});

test.serial('a cancel ends the tries', async (t) => {
  const { counter } = await disturbed(t);
  const abort = new AbortController();
  const request = await requestOf(counter, { retryMs: EVER_MS, signal: abort.signal });
  const work = checkpoint(request);
  await until('a try', () => Promise.resolve(hasTried()));
  abort.abort();
  await t.throwsAsync(work, { message: /canceled/ });
  t.false(existsSync(request.imagePath));
  await counter.countsOn();
  t.is(await counter.run.go(), 'PASS');
});

/** The same container, paused by a client. */
async function pausedAndDisturbed(t: ExecutionContext) {
  const { counter, stranger } = await disturbed(t);
  const cgroup = await counter.cgroup();
  await freeze(cgroup);
  t.teardown(() => {
    thaw(cgroup);
  });
  const isAsItWas = async () => {
    t.true(isFrozen(cgroup));
    t.true(await counter.stands());
    thaw(cgroup);
    await counter.countsOn();
    t.is(await counter.run.go(), 'PASS');
  };
  return { counter, stranger, cgroup, isAsItWas };
}

test.serial('beside a paused container what is about to end runs until it has', async (t) => {
  const { counter, stranger, isAsItWas } = await pausedAndDisturbed(t);
  const work = checkpoint(await requestOf(counter, { retryMs: EVER_MS }));
  await until('a try', () => Promise.resolve(hasTried()));
  t.true(await counter.stands());
  const gone = once(stranger, 'exit');
  stranger.stdin?.end();
  await gone;
  t.is(stranger.exitCode, 0, 'it has ended by itself');
  await work;
  await isAsItWas();
});

test.serial('beside a paused container what does not end is refused', async (t) => {
  const { counter, stranger, isAsItWas } = await pausedAndDisturbed(t);
  const execs = () => new Map([[asHostPid(stranger.pid ?? 0), 'probe-1']]);
  const work = checkpoint(await requestOf(counter, { retryMs: 100, execs }));
  const message = /\(exec probe-1\), .*remedy.* \(tried \d+ times in \d+\.\d s\)$/;
  await t.throwsAsync(work, { message });
  await isAsItWas();
});

test.serial('without patience a paused container is not thawed for others', async (t) => {
  const { counter, isAsItWas } = await pausedAndDisturbed(t);
  const work = checkpoint(await requestOf(counter, { retryMs: 0 }));
  const message = /started from outside .*\(tried once, since the container is paused\)$/;
  await t.throwsAsync(work, { message });
  await isAsItWas();
});

test.serial('a cancel ends the wait beside a paused container', async (t) => {
  const { counter, isAsItWas } = await pausedAndDisturbed(t);
  const abort = new AbortController();
  const request = await requestOf(counter, { retryMs: EVER_MS, signal: abort.signal });
  const work = checkpoint(request);
  await until('a try', () => Promise.resolve(hasTried()));
  abort.abort();
  await t.throwsAsync(work, { message: /canceled/ });
  await isAsItWas();
});

test.serial('a container that ends meanwhile is not waited for', async (t) => {
  const { counter } = await pausedAndDisturbed(t);
  const request = await requestOf(counter, { retryMs: EVER_MS });
  const work = checkpoint(request);
  await until('a try', () => Promise.resolve(hasTried()));
  process.kill(request.initPid, 'SIGKILL');
  await t.throwsAsync(work, { message: /the container has ended meanwhile$/ });
});

test.serial('an engine that dies in the wait leaves a paused container so', async (t) => {
  const { counter, cgroup, isAsItWas } = await pausedAndDisturbed(t);
  const args = ['--retry-ms', String(EVER_MS)];
  const engine = counter.startCheckpoint(counter.newImage(), args);
  await until('the wait', () => Promise.resolve(!isFrozen(cgroup)));
  const gone = once(engine, 'exit');
  engine.kill('SIGKILL');
  await gone;
  await until('the guard', () => Promise.resolve(isFrozen(cgroup)));
  await isAsItWas();
});

test.serial('checkpoints succeed beside probes by exec', async (t) => {
  const counter = new Counter(yard);
  t.teardown(() => counter.close(!t.passed));
  await counter.start();
  log.length = 0;
  const { runcRoot, id } = counter.run.place;
  let hasEnough = false;
  const probing = (async () => {
    const failed: string[] = [];
    while (!hasEnough) {
      const { status, stderr } = await runCommand([
        'runc',
        '--root',
        runcRoot,
        'exec',
        id,
        '/target',
        'probe',
      ]);
      if (status !== 0) failed.push(stderr);
      await delay(150); // Like probes, which come at intervals.
    }
    return failed;
  })();
  const refused: string[] = [];
  for (let i = 0; i < PROBES || !hasTried(); i++) {
    await checkpoint(await requestOf(counter, { retryMs: EVER_MS })).catch((error: unknown) => {
      refused.push(String(error));
    });
  }
  hasEnough = true;
  t.deepEqual(refused, []);
  t.deepEqual(await probing, []);
  t.is(await counter.run.go(), 'PASS');
});
