// SPDX-License-Identifier: Apache-2.0
import { asVasId, type VasId } from '../../../src/common/ids.js';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import {
  namesSecret,
  ScratchNames,
} from '../../../src/criu/resources/files/names/scratch-names.js';
import { BIN } from '../../helpers/paths.js';
import { until } from '../../helpers/run.js';
import { runCommand } from '../../helpers/targets-engine.js';
import { TargetRun } from '../../helpers/targets-run.js';
import { engine, listed, Yard } from './harness.js';
import {
  childrenOf,
  containerCgroups,
  list,
  mountsBelow,
  parentOf,
  vasLeftoversInTheEnd,
} from './leftovers.js';

/**
 * SIGKILLs a restore's engine, or the container that it is making, at moments spread at random. The engine soon
 * reports it, nothing is left, and the next restore of the image works. MVAS_KILL_ROUNDS is the number of kills.
 */
const ROUNDS = Number(process.env['MVAS_KILL_ROUNDS'] ?? 16);
/** The engine needs a few milliseconds; the rest allows for a very busy machine. */
const SOON_MS = 5_000;
const TARGET = { name: 'names', needs: [], expect: { kind: 'restore' }, varies: [] } as const;
/** How many names of ours a restore of the program needs. */
const NAMES = 12;
const OURS = /^\.mvas-[0-9a-f]+$/;

const yard = new Yard();
const binary = yard.compile('names');

test.after.always('nothing is left of any VAS', async (t) => {
  t.deepEqual(await vasLeftoversInTheEnd(yard), []);
  yard.close();
});

/** A container that was checkpointed and is gone. */
interface Parked {
  readonly run: TargetRun;
  readonly imagePath: string;
  readonly vasId: VasId;
  readonly holder: number;
}

async function parked(t: ExecutionContext): Promise<Parked> {
  const run = new TargetRun(TARGET, engine, binary);
  t.teardown(() => run.close(!t.passed));
  t.is(await run.start(), 'READY');
  const { imagePath, result } = await run.checkpoint(false);
  t.is(result.status, 0, result.stderr);
  await deleted(run);
  const [vas] = await listed();
  return { run, imagePath, vasId: asVasId(vas?.id ?? ''), holder: vas?.holderPid ?? 0 };
}

async function deleted({ place }: TargetRun): Promise<void> {
  const { status, stderr } = await runCommand([
    'runc',
    '--root',
    place.runcRoot,
    'delete',
    '--force',
    place.id,
  ]);
  if (status !== 0) throw new Error(stderr);
}

/** Where the program's files are. The file of a socket without a name is made in the root folder. */
const foldersOf = ({ run }: Parked): string[] =>
  ['data', ''].map((name) => join(run.place.bundle, 'rootfs', name));
const namesOfOurs = (container: Parked): string[] =>
  foldersOf(container).flatMap((folder) => list(folder).filter((name) => OURS.test(name)));
/** Inits restored from the VAS, by host pid. */
const restoredFrom = ({ holder }: Parked): number[] =>
  childrenOf(parentOf(holder)).filter((pid) => pid !== holder);

test.serial(`${String(ROUNDS)} restores killed at random leave nothing`, async (t) => {
  t.timeout(120_000 + ROUNDS * 10_000);
  const container = await parked(t);
  const undisturbed: number[] = []; // The first one takes longer.
  for (let count = 0; count < 3; count++) {
    undisturbed.push((await killOnce(t, container, 'nobody', Infinity)).durationMs);
  }
  const durationMs = Math.min(...undisturbed);
  let failures = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const victim = round % 2 === 0 ? 'engine' : 'container';
    const atMs = round % 8 < 2 ? 0 : Math.random() * durationMs; // At once: it is not yet traced.
    failures += Number((await killOnce(t, container, victim, atMs)).isFailed);
  }
  t.log(`${String(failures)} of ${String(ROUNDS)} were killed within ${durationMs.toFixed(0)} ms`);
  t.true(failures > ROUNDS / 8, 'kills that come in time');
  await container.run.restore(container.imagePath);
  t.deepEqual(namesOfOurs(container), []);
  t.is(await container.run.go(), 'PASS');
});

/** One restore, whose victim is killed `atMs` after the container exists. */
async function killOnce(
  t: ExecutionContext,
  container: Parked,
  victim: 'engine' | 'container' | 'nobody',
  atMs: number,
): Promise<{ isFailed: boolean; durationMs: number }> {
  const { place } = container.run;
  const args = ['restore', '--runc-root', place.runcRoot, '--bundle', place.bundle];
  const child = spawn(
    join(BIN, 'mvas'),
    [...args, '--image-path', container.imagePath, '--detach', place.id],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const exited = once(child, 'close');
  await until('a container', () => Promise.resolve(restoredFrom(container).length > 0), {
    everyMs: 1,
  });
  const began = performance.now();
  if (Number.isFinite(atMs)) await Promise.race([exited, delay(atMs)]);
  const killed = performance.now();
  if (victim === 'engine') child.kill('SIGKILL');
  if (victim === 'container') restoredFrom(container).forEach(kill);
  const [code] = (await exited) as [number | null];
  const ended = performance.now();
  const isFailed = code !== 0;
  if (isFailed && victim === 'container') {
    t.true(ended - killed < SOON_MS, `${(ended - killed).toFixed(0)} ms: ${said}`);
    t.regex(said, /^mvas restore: .*was killed/m);
  } else {
    await deleted(container.run);
  }
  await until('nothing to be left', () => Promise.resolve(traces(container).length === 0)).catch(
    () => {
      t.deepEqual(traces(container), [], `${victim} ${(killed - began).toFixed(1)} ms: ${said}`);
    },
  );
  return { isFailed, durationMs: ended - began };
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}

/** What is left of a restore except for a donor's bundle and names, which the next one removes. */
function traces(container: Parked): string[] {
  const { place, folder } = container.run;
  return [
    ...restoredFrom(container).map((pid) => `pid ${String(pid)}`),
    ...[join(place.runcRoot, place.id)].filter((path) => existsSync(path)),
    ...containerCgroups(place.id),
    ...mountsBelow(folder),
  ];
}

for (const kind of ['file', 'folder']) {
  test.serial(`a restore removes a ${kind} that one before has left`, async (t) => {
    const container = await parked(t);
    const names = new ScratchNames(namesSecret(container.vasId, container.run.place.id));
    for (let count = 0; count < NAMES; count++) {
      const name = names.take();
      for (const folder of foldersOf(container)) {
        if (kind === 'file') writeFileSync(join(folder, name), '');
        else mkdirSync(join(folder, name));
      }
    }
    await container.run.restore(container.imagePath);
    // Each is a name that the restore needed, in one of the two folders.
    t.is(new Set(namesOfOurs(container)).size, NAMES);
    t.is(namesOfOurs(container).length, NAMES);
    t.is(await container.run.go(), 'PASS');
  });
}
