// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ShimError } from '../src/common/errors.js';
import {
  buildMany,
  criuEngine,
  measureCosts,
  MVAS,
  warmStandby,
  type Costs,
  type CostsEngine,
} from './costs-side.js';
import { findCriu } from './criu-side.js';
import { median } from './figures.js';
import { formatTable } from './report.js';
import { temporaryInMemory } from './temporary.js';

/** A sort of things, and how many of them there are. */
export type Quantity = readonly [what: string, number: number];

/** What is measured by default. */
export const QUANTITIES: readonly Quantity[] = [
  ['flat', 500],
  ['chain', 500],
  ['maps', 30_000],
  ['files', 1_000],
  ['tcp', 500],
];

const ROWS: readonly (readonly [string, Exclude<keyof Costs, 'isServed'>])[] = [
  ['checkpoint', 'checkpointMs'],
  ['  standstill', 'frozenMs'],
  ['  processor time', 'checkpointCpuMs'],
  ['restore', 'restoreMs'],
];

/** Medians by quantity and side. */
export type CostsResult = Readonly<Record<string, Readonly<Record<string, Costs>>>>;

/** Checkpoints and restores that many processes, mappings and descriptors with all sides in turn; prints each table. */
export async function measureAllCosts(
  quantities: readonly Quantity[],
  runs: number,
  say: (message: string) => void,
): Promise<CostsResult> {
  const directory = await temporaryInMemory();
  try {
    const program = await buildMany(join(directory, 'many'));
    const sides = await openSides(say);
    say('costs: a standby warms up');
    await warmStandby();
    const result: Record<string, Record<string, Costs>> = {};
    for (const [what, number] of quantities) {
      const name = `${what}:${String(number)}`;
      const seen = await inTurn(sides, runs, async (side, engine) => {
        say(`${name}: ${side}`);
        const place = await mkdtemp(join(directory, 'run-'));
        return await measureCosts(engine, { program, what, number }, place);
      });
      process.stdout.write(`\n${name}, medians of ${String(runs)}\n\n${table(seen)}\n`);
      result[name] = seen;
    }
    return result;
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Medians for each side. The sides take turns, so that other load on the machine affects all of them. */
async function inTurn(
  sides: ReadonlyMap<string, CostsEngine>,
  runs: number,
  measure: (side: string, engine: CostsEngine) => Promise<Costs>,
): Promise<Record<string, Costs>> {
  const seen = new Map([...sides.keys()].map((side) => [side, [] as Costs[]]));
  for (let index = 0; index < runs; index++) {
    for (const [side, engine] of sides) seen.get(side)?.push(await measure(side, engine));
  }
  return Object.fromEntries([...seen].map(([side, all]) => [side, medianOf(all)]));
}

async function openSides(say: (message: string) => void): Promise<Map<string, CostsEngine>> {
  const sides = new Map([['mvas', MVAS]]);
  try {
    sides.set('criu', criuEngine((await findCriu()).directory));
  } catch (error) {
    say(`no comparison with runc and CRIU: ${ShimError.from(error).message}`);
  }
  return sides;
}

function medianOf(all: readonly Costs[]): Costs {
  const of = (pick: (costs: Costs) => number): number => Math.round(median(all.map(pick)));
  const ifTold = (pick: (costs: Costs) => number | null): number | null =>
    all.some((costs) => pick(costs) === null) ? null : of((costs) => pick(costs) ?? 0);
  return {
    checkpointMs: of((costs) => costs.checkpointMs),
    frozenMs: ifTold((costs) => costs.frozenMs),
    checkpointCpuMs: ifTold((costs) => costs.checkpointCpuMs),
    restoreMs: of((costs) => costs.restoreMs),
    isServed: of((costs) => Number(costs.isServed)) === 1,
  };
}

function table(sides: Readonly<Record<string, Costs>>): string {
  const rows = ROWS.map(([label, name]) => [
    label,
    ...Object.values(sides).map((costs) => `${String(costs[name] ?? 'not told')} ms`),
  ]);
  const served = Object.values(sides).map(({ isServed }) => (isServed ? 'yes' : 'no'));
  return formatTable([['', ...Object.keys(sides)], ...rows, ['by a standby', ...served]]);
}
