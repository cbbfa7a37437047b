// SPDX-License-Identifier: Apache-2.0
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { ShimError } from '../../../src/common/errors.js';
import { listVases, removeVas } from '../../../src/criu/index.js';
import { BIN } from '../../helpers/paths.js';
import type { TargetRun } from '../../helpers/targets-run.js';
import { accompany, busyContainer, gapOf, startBusy } from './busy.js';
import { mvas, Yard } from './harness.js';
import { vasLeftoversInTheEnd } from './leftovers.js';

/**
 * Checkpoints of a container with busy TCP connections (busy.c), half of them within it. None may be reset or lose a
 * byte, which their ends check; nor may the kernel have to send anything again after a time-out, which is how TCP
 * notices that a packet was lost, or was never sent. MVAS_TCP_CHECKPOINTS is the number of checkpoints.
 *
 * By the clock, no connection may wait for more than 200 ms longer than the container stood still.
 *
 * Other load on the machine makes all connections wait, and the kernel take packets for lost that have only waited.
 * Connections beside the container, which nobody stops, tell how much: if these have waited for half of the least
 * time-out, some time-outs are allowed, but fewer than if every fourth checkpoint caused one; and each wait may be
 * three times as long as theirs was, since there are three times as many processes that may have been unlucky.
 */
const CHECKPOINTS = Number(process.env['MVAS_TCP_CHECKPOINTS'] ?? 20);
const KILLS = Number(process.env['MVAS_KILL_ROUNDS'] ?? 10);
const CONNECTIONS = 200;
const MVAS = join(BIN, 'mvas');
const MOST_STALL_MS = 200;
/** Half of the least time after which TCP sends something again (TCP_RTO_MIN). */
const STARVED_MS = 100;

const yard = new Yard();
const binary = yard.compile('busy');

test.after.always('nothing is left of any VAS', async (t) => {
  t.deepEqual(await vasLeftoversInTheEnd(yard), []);
  yard.close();
});

test.serial(`${String(CHECKPOINTS)} checkpoints stall no connection, and reset none`, async (t) => {
  t.timeout(120_000 + CHECKPOINTS * 5_000);
  const busy = busyContainer(t, binary);
  await startBusy(t, busy, CONNECTIONS / 2);
  const pid = await busy.initPid();
  const outside = await accompany(t, binary, 'client', pid, CONNECTIONS / 2);
  const control = await accompany(t, binary, 'both', CONNECTIONS / 2);
  const counts = (): number[] => [pid, control.pid].map(timeOuts);
  const before = counts();
  let longestMs = 0;
  for (let round = 0; round < CHECKPOINTS; round++) {
    longestMs = Math.max(longestMs, await checkpoint(busy));
    await removeAll();
  }
  const [late = 0, lateBeside = 0] = counts().map((count, index) => count - (before[index] ?? 0));
  const gaps: number[] = [];
  // The server for the clients outside ends with the container.
  for (const one of [outside, control, { end: () => busy.go() }])
    gaps.push(gapOf(t, await one.end()));
  t.log(
    `waited outside, beside, inside: ${gaps.join(', ')} ms; stood still ${longestMs.toFixed(0)}`,
  );
  t.log(`time-outs: ${String(late)}, beside: ${String(lateBeside)}`);
  const [outsideMs = 0, besideMs = 0, insideMs = 0] = gaps;
  const isStarved = besideMs >= STARVED_MS;
  const allowed = isStarved ? 2 * lateBeside + CHECKPOINTS / 4 : 0;
  t.true(late <= allowed, `sent again after a time-out: ${String(late)} of ${String(allowed)}`);
  const mostMs = longestMs + MOST_STALL_MS + 3 * besideMs;
  for (const gap of [outsideMs, insideMs]) t.true(gap <= mostMs, `waited ${String(gap)} ms`);
});

test.serial(`${String(KILLS)} checkpoints killed at random reset no connection`, async (t) => {
  t.timeout(120_000 + KILLS * 5_000);
  const busy = busyContainer(t, binary);
  await startBusy(t, busy, CONNECTIONS / 2);
  const outside = await accompany(t, binary, 'client', await busy.initPid(), CONNECTIONS / 2);
  const startedAt = performance.now();
  await checkpoint(busy);
  let durationMs = performance.now() - startedAt; // Of the quickest so far.
  let killed = 0;
  for (let round = 0; round < KILLS; round++) {
    const begun = performance.now();
    const child = startCheckpoint(busy);
    const ended = once(child, 'exit').then(() => performance.now() - begun);
    const closed = once(child, 'close');
    await delay(durationMs * (0.2 + Math.random() * 0.8));
    child.kill('SIGKILL');
    await closed;
    if (child.signalCode === 'SIGKILL') killed += 1;
    else durationMs = Math.min(durationMs, await ended);
    await removeAll();
  }
  t.true(killed > KILLS / 3, `kills that come in time: ${String(killed)}`);
  gapOf(t, await outside.end());
  gapOf(t, await busy.go());
});

test.serial(
  '500 connections in mid-transfer go on, in the original and in two clones',
  async (t) => {
    const busy = busyContainer(t, binary);
    await startBusy(t, busy, 500, 1 << 16);
    const { imagePath, result } = await busy.checkpoint(true);
    t.is(result.status, 0, result.stderr);
    const clones = [1, 2].map(() => busyContainer(t, binary));
    for (const clone of clones) await clone.restore(imagePath);
    for (const run of [busy, ...clones]) gapOf(t, await run.go());
  },
);

/** Leaves the container running; returns how long it stood still, in milliseconds. */
async function checkpoint(busy: TargetRun): Promise<number> {
  const { status, stdout, stderr } = await mvas(['checkpoint', '--json', ...argsOf(busy)]);
  if (status !== 0) throw new ShimError('internal', `checkpoint: ${stderr}`);
  return (JSON.parse(stdout) as { frozenMs: number }).frozenMs;
}

/** Its output is closed once its engine has ended, too, which may be a fork of a standby. */
function startCheckpoint(busy: TargetRun): ChildProcess {
  const child = spawn(MVAS, ['checkpoint', ...argsOf(busy)], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  child.stdout.resume();
  return child;
}

let images = 0;

function argsOf({ place, folder }: TargetRun): string[] {
  images += 1;
  const imagePath = join(folder, `image.${String(images)}`);
  const flags = ['--runc-root', place.runcRoot, '--image-path', imagePath, '--leave-running'];
  return [...flags, place.id];
}

async function removeAll(): Promise<void> {
  for (const { id } of await listVases()) await removeVas(id);
}

/** How often TCP has sent something again in the network namespace of a process because no acknowledgement had come (TCPTimeouts). */
function timeOuts(pid: number): number {
  const text = readFileSync(`/proc/${String(pid)}/net/netstat`, 'utf8');
  const [names = [], values = []] = text
    .split('\n')
    .filter((line) => line.startsWith('TcpExt:'))
    .map((line) => line.split(' '));
  return Number(values[names.indexOf('TCPTimeouts')]);
}
