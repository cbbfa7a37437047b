// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { Counter, mvas, textOf, type Yard } from './harness.js';

/** Settings of churn.c, by what it has: threads, enough memory to be protected while it runs, children that stay. */
export const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  'by threads': [],
  'by threads, much of it': ['BULK=10000'],
  'by children': ['CHILDREN=12', 'BULK=1000'],
};

/** What MVAS_NAME_SECONDS and MVAS_NAME_SEED say, for the names PRE_COPY and TWIN: how long each test takes, and its seed. */
export function wishesOf(name: string): { readonly seconds: number; readonly seed: number } {
  const seconds = Number(process.env[`MVAS_${name}_SECONDS`] ?? 20);
  return { seconds, seed: Number(process.env[`MVAS_${name}_SEED`] ?? Date.now() % 1_000_000) };
}

/** Checkpoints of a program that changes its memory all the time. */
export interface Series {
  readonly yard: Yard;
  /** The environment of its checkpoints: how its memory is copied. */
  readonly env: Readonly<Record<string, string>>;
  /** The environment of the program (churn.c). */
  readonly settings: readonly string[];
  readonly seed: number;
  readonly seconds: number;
  /** Whether the record of a VAS says that its memory was copied in this way. */
  readonly isSo: (record: Readonly<Record<string, unknown>>) => boolean;
}

/**
 * Checkpoints the program again and again, and restores it: it detects memory that is not of one instant.
 */
export async function takeSnapshots(t: ExecutionContext, series: Series): Promise<void> {
  const { yard, settings, seed, seconds } = series;
  t.timeout(120_000 + seconds * 5_000);
  Object.assign(process.env, series.env);
  t.teardown(() => {
    for (const name of Object.keys(series.env)) Reflect.deleteProperty(process.env, name);
  });
  const env = [`SEED=${String(seed)}`, ...settings];
  const churn = new Counter(yard, { binary: yard.compile('churn'), env });
  t.teardown(() => churn.close(!t.passed));
  await churn.start();
  const random = randomNumbers(seed);
  const end = performance.now() + seconds * 1000;
  const told = { restores: 0, checkpoints: 0, inThisWay: 0 };
  const held: string[] = [];
  while (performance.now() < end) {
    await delay(random() * 300);
    const leaves = random() < 0.5;
    const { imagePath, result } = await churn.run.checkpoint(leaves);
    t.is(result.status, 0, result.stderr);
    const id = result.stdout.trim();
    told.checkpoints++;
    if (series.isSo(recordOf(yard, id))) told.inThisWay++;
    if (held.length > 0) await mvas(['rm', '--force', ...held.splice(0)]);
    if (leaves) {
      await t.notThrowsAsync(churn.countsOn(1n), 'goes on beside its checkpoint');
      if (random() < 0.5) {
        await mvas(['rm', '--force', id]);
        continue;
      }
      process.kill(await churn.run.initPid(), 'SIGKILL');
    }
    await churn.run.restore(imagePath);
    told.restores++;
    held.push(id);
    await t.notThrowsAsync(churn.countsOn(2n), 'goes on from its checkpoint');
  }
  t.is(await churn.run.go(), 'PASS');
  t.true(told.inThisWay > 0, 'memory is copied in this way');
  t.log(JSON.stringify(told));
}

/** The record of a VAS. */
export function recordOf({ vasRoot }: Yard, id: string): Readonly<Record<string, unknown>> {
  return JSON.parse(textOf(join(vasRoot, id, 'vas.json'))) as Readonly<Record<string, unknown>>;
}

/** The same numbers in [0, 1) for the same seed (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
