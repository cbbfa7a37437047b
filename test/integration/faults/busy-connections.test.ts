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
 * By the clock, no connection may wait for more than 200 ms longer than the container stood still. Other load on the
 * machine makes all of them wait: so much as connections beside the container, which nobody stops, is allowed for.
 */
const CHECKPOINTS = Number(process.env['MVAS_TCP_CHECKPOINTS'] ?? 20);
const KILLS = Number(process.env['MVAS_KILL_ROUNDS'] ?? 10);
const CONNECTIONS = 200;
const MVAS = join(BIN, 'mvas');
const MOST_STALL_MS = 200;

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
  const control = await accompany(t, binary, 'both', pid, CONNECTIONS / 2);
  const before = await timeOuts(busy);
  let longestMs = 0;
  for (let round = 0; round < CHECKPOINTS; round++) {
    longestMs = Math.max(longestMs, await checkpoint(busy));
    await removeAll();
  }
  t.is((await timeOuts(busy)) - before, 0, 'nothing was sent again after a time-out');
  const gaps: number[] = [];
  // The server for the clients outside ends with the container.
  for (const one of [outside, control, { end: () => busy.go() }])
    gaps.push(gapOf(t, await one.end()));
  t.log(
    `waited outside, beside, inside: ${gaps.join(', ')} ms; stood still ${longestMs.toFixed(0)}`,
  );
  const [, besideMs = 0] = gaps;
  for (const gap of gaps) t.true(gap <= longestMs + MOST_STALL_MS + besideMs, 'no stall');
});

test.serial(`${String(KILLS)} checkpoints killed at random reset no connection`, async (t) => {
  t.timeout(120_000 + KILLS * 5_000);
  const busy = busyContainer(t, binary);
  await startBusy(t, busy, CONNECTIONS / 2);
  const outside = await accompany(t, binary, 'client', await busy.initPid(), CONNECTIONS / 2);
  const startedAt = performance.now();
  await checkpoint(busy);
  const durationMs = performance.now() - startedAt;
  let killed = 0;
  for (let round = 0; round < KILLS; round++) {
    const child = startCheckpoint(busy);
    const exit = once(child, 'close');
    await delay(durationMs * (0.2 + Math.random() * 0.8));
    child.kill('SIGKILL');
    killed += (await exit)[1] === 'SIGKILL' ? 1 : 0;
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

function startCheckpoint(busy: TargetRun): ChildProcess {
  const stdio = ['ignore', 'ignore', 'ignore'] as const;
  return spawn(MVAS, ['checkpoint', ...argsOf(busy)], { stdio: [...stdio] });
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

/** How often TCP has sent something again in the network namespace because no acknowledgement had come (TCPTimeouts). */
async function timeOuts(busy: TargetRun): Promise<number> {
  const text = readFileSync(`/proc/${String(await busy.initPid())}/net/netstat`, 'utf8');
  const [names = [], values = []] = text
    .split('\n')
    .filter((line) => line.startsWith('TcpExt:'))
    .map((line) => line.split(' '));
  return Number(values[names.indexOf('TCPTimeouts')]);
}
